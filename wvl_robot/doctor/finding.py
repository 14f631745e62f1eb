"""One line of the doctor's report."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """Works, but not as well as it should, or could not be checked."""
    FAIL = "fail"
    """Will not work, or not safely."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was looked at, what was seen, and what to do about it."""

    subject: str
    level: Level
    seen: str
    mend: str = ""
    """Empty where all is well."""


def ok(subject: str, seen: str) -> Finding:
    """All is well."""
    return Finding(subject=subject, level=Level.OK, seen=seen)


def warn(subject: str, seen: str, mend: str) -> Finding:
    """It works, with a loss."""
    return Finding(subject=subject, level=Level.WARN, seen=seen, mend=mend)


def fail(subject: str, seen: str, mend: str) -> Finding:
    """It will not work."""
    return Finding(subject=subject, level=Level.FAIL, seen=seen, mend=mend)
