"""Where a trial's robot lives: a loopback address that nobody else serves."""

import os
import socket

from wvl_models.contract.errors import SetupError

NUM_ADDRESSES = 40

_FCI_PORT = 1337


def own_loopback() -> str:
    """An address of this process at which no robot is served yet."""
    pid = os.getpid()
    for number in range(NUM_ADDRESSES):
        host = f"127.{200 + number}.{(pid >> 8) & 255}.{max(pid & 255, 1)}"
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((host, _FCI_PORT))
            except OSError:
                continue
        return host
    raise SetupError(f"{NUM_ADDRESSES} robots are served by this process already.")
