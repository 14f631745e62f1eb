"""One SDK per file behind the ports."""
