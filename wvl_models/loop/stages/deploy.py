"""Back to the arm: the old version acts, the new one is swapped in while the session runs."""

from typing import Any

from wvl_models.loop.circle import Circle
from wvl_models.loop.stages.collect import outcomes


def deploy(circle: Circle, turn: int) -> dict[str, Any]:
    """Live episodes before and after the hot swap; none without a live lab or a new version."""
    gate = circle.run.result(f"gate-{turn}")
    count = circle.config.trials.live
    nothing: dict[str, Any] = {"before": [], "after": [], "swap_s": None}
    if circle.live is None or not count:
        return nothing | {"skipped": "no live episodes were asked for"}
    if not gate["is_passed"]:
        return nothing | {"skipped": "the gate refused the candidate"}
    seeds = [circle.seeds.deployment(turn, i) for i in range(2 * count)]
    circle.progress.begin(f"deploy live and swap, turn {turn}", 1)
    with circle.store_lent():
        done = circle.live.deploy(gate["current"], gate["candidate"], seeds)
    circle.progress.reach(1, f"swapped in {done.swap_s:.1f} s")
    ids = [*done.before, *done.after]
    return {
        "before": list(done.before),
        "after": list(done.after),
        "old": gate["current"],
        "new": gate["candidate"],
        "swap_s": round(done.swap_s, 3),
        "outcomes": outcomes(circle, ids),
    }
