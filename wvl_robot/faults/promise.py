"""How a trial says that the pass line was broken."""

from collections.abc import Callable, Mapping

from wvl_models.contract.errors import WvlError
from wvl_robot.faults.trial import RowPlan, Trial


class PromiseBrokenError(Exception):
    """What the pass line forbids has happened; the text becomes the trial's problem."""


def promise(holds: bool, otherwise: str) -> None:
    """PromiseBrokenError with `otherwise` unless `holds`."""
    if not holds:
        raise PromiseBrokenError(otherwise)


def judge(plan: RowPlan, kind: str, seed: int, attempt: Callable[[], Mapping[str, float]]) -> Trial:
    """The trial of one attempt, which returns figures; an error nobody expected is a problem."""
    try:
        figures, problem = attempt(), ""
    except (PromiseBrokenError, WvlError) as error:
        figures, problem = {}, f"{type(error).__name__}: {error}"
    return Trial(row=plan.number, kind=kind, seed=seed, problem=problem, figures=figures)
