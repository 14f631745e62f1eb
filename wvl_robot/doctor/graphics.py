"""The GPU: is there one, and does the current policy fit into it twice."""

from pathlib import Path

from wvl_models.contract.errors import CheckpointError
from wvl_models.registry.registry import Registry
from wvl_robot.doctor.finding import Finding, fail, ok, warn

PAPER_POLICY_BYTES = 14_800_000_000
"""OpenVLA-OFT in bfloat16 (facts/reliability_performance.md B2)."""

COPIES = 2
"""A hot swap loads the next version beside the one that is serving."""

ON_CPU_BYTES = 1 << 30
"""A policy below this answers in time without a GPU; the shipped one has 5 MB."""


def check_graphics(registry: Path) -> list[Finding]:
    """GPU memory against the current policy, or against the paper's where there is none yet."""
    what, num_bytes = _policy_size(registry)
    return [judge_memory(_free_bytes(), num_bytes, what)]


def judge_memory(free_bytes: int | None, policy_bytes: int, what: str) -> Finding:
    """`free_bytes` is None without a GPU."""
    needed = COPIES * policy_bytes
    if free_bytes is None:
        seen = f"none; {what} ({policy_bytes / 1e9:.2f} GB) runs on the CPU"
        if policy_bytes < ON_CPU_BYTES:
            return ok("GPU", seen)
        mend = "run the policy node on a machine with a GPU; the robot's needs none"
        return warn("GPU", seen, mend)
    seen = (
        f"{free_bytes / 1e9:.0f} GB free; {what} needs {needed / 1e9:.1f} GB for a swap that does "
        "not stop the robot"
    )
    if free_bytes < policy_bytes:
        return fail("GPU", seen, "use a GPU with more memory, or a smaller policy")
    if free_bytes < needed:
        return warn("GPU", seen, "swap between sessions, not in a running one")
    return ok("GPU", seen)


def _policy_size(registry: Path) -> tuple[str, int]:
    try:
        version = Registry(registry).current("policy")
        if version is not None:
            files = Registry(registry).folder("policy", version).rglob("*.safetensors")
            return version, sum(file.stat().st_size for file in files)
    except CheckpointError:
        pass  # a damaged registry is the policy node's to report
    return "the paper's policy", PAPER_POLICY_BYTES


def _free_bytes() -> int | None:
    import torch  # seconds to load, so not with the module

    return torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else None
