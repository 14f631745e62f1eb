"""Hypothesis as a row needs it: as many examples as asked for, drawn from a seed, nothing kept."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wvl_models.contract.errors import SetupError
from wvl_robot.faults.plain_row import Attempt
from wvl_robot.faults.promise import PromiseBrokenError

try:
    from hypothesis import HealthCheck, seed, settings
except ModuleNotFoundError as error:
    raise SetupError(
        "this row of the fault plan needs the Python package hypothesis, which only the dev extra "
        'brings: pip install -e ".[dev]", or `make setup`.'
    ) from error


def search_settings(num_examples: int, num_steps: int = 50) -> settings:
    """`num_steps` counts for state machines."""
    return settings(
        max_examples=num_examples,
        stateful_step_count=num_steps,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )


def with_seed(number: int, searched: Callable[..., Any]) -> Callable[..., Any]:
    """The same search, drawn from `number` (Any: a test function or a state machine)."""
    return seed(number)(searched)


def first_lines(error: BaseException, num_lines: int = 12) -> str:
    """What failed and the example that shows it, on one line."""
    notes = [*str(error).splitlines(), *getattr(error, "__notes__", ())]
    return f"{type(error).__name__}: " + " | ".join(notes[:num_lines])


def searched(attempt: Attempt) -> Attempt:
    """The attempt in which whatever the search raises is a broken promise."""

    def whole(kind: str, seed: int, folder: Path) -> Mapping[str, float]:
        try:
            return attempt(kind, seed, folder)
        except Exception as error:  # somebody would have seen its traceback
            raise PromiseBrokenError(first_lines(error)) from error

    return whole
