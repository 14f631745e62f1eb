"""OpenVLA-OFT: the vision-language-action policy."""
