"""The `wvl` command: parse, build, run."""
