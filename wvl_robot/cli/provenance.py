"""Where a figure comes from: command, commit, seed, machine. Light: imports no model."""

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from wvl_models.loop.report.machine import describe_machine


@cache
def source_commit() -> str:
    """Commit of the checkout that runs, `-dirty` when changed; `unknown` outside one.

    Asked once: what a process has loaded does not change with the checkout.
    """
    here = Path(__file__).resolve().parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()


def provenance(seed: int) -> dict[str, Any]:
    """Where a figure comes from: what every `--json` begins with (Any: JSON)."""
    return {
        "command": " ".join(["wvl", *sys.argv[1:]]),
        "commit": source_commit(),
        "seed": seed,
        "machine": describe_machine(),
    }
