"""The policy node with a fault in its inference, chosen through a file: for row 7.

The file that `WVL_POLICY_FAULT` names holds one word, read before each inference. All else is the
real node: its process, its policy, its topics.
"""

import os
import threading
import time
from pathlib import Path

import numpy as np
import torch

from wvl_models.contract.chunk import ActionChunk
from wvl_models.contract.observation import Observation
from wvl_models.registry.policy_host import PolicyHost
from wvl_robot.ros import policy_node

VARIABLE = "WVL_POLICY_FAULT"

SLOWDOWN, LONGEST_PAUSE_S = 10.0, 3.0
"""A step ten times slower, but not for so long that it counts as one that hangs (5 s in row 7)."""

_MANY_BYTES = 1 << 62


class SpoiledPolicyHost(PolicyHost):
    """Serves as the real one does, until the file says otherwise."""

    def act(self, observation: Observation) -> ActionChunk:
        """See `PolicyHost`."""
        fault = _fault()
        if fault == "memory":
            np.empty(_MANY_BYTES, dtype=np.uint8)  # MemoryError, as where the machine has no more
        elif fault == "gpu memory":
            _exhaust_gpu()
        elif fault == "killed":
            os.kill(os.getpid(), 9)  # what Linux does to a process that has taken too much
        elif fault == "exception":
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        elif fault == "deadlock":
            threading.Event().wait()
        start_s = time.monotonic()
        chunk = super().act(observation)
        if fault == "slow":
            time.sleep(min((SLOWDOWN - 1.0) * (time.monotonic() - start_s), LONGEST_PAUSE_S))
        return chunk


def _exhaust_gpu() -> None:
    """Ask the GPU for more than it has; without one, raise what torch raises then."""
    if torch.cuda.is_available():
        torch.empty(_MANY_BYTES, dtype=torch.uint8, device="cuda")
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 4194304.00 TiB.")


def _fault() -> str:
    file = Path(os.environ[VARIABLE])
    return file.read_text(encoding="ascii").strip() if file.exists() else ""


if __name__ == "__main__":
    policy_node.PolicyHost = SpoiledPolicyHost  # type: ignore[misc]  # the fault itself
    policy_node.main()
