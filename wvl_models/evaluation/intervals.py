"""Success rates with their uncertainty."""

from dataclasses import dataclass

from scipy.stats import binomtest

from wvl_models.contract.errors import DataError


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """Successes among trials with a Wilson 95 % interval."""

    n: int
    successes: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """Share of successes."""
        return self.successes / self.n

    def __str__(self) -> str:
        return (
            f"{100 * self.value:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}] (n={self.n})"
        )


def rate(successes: int, n: int) -> Rate:
    """Wilson score interval at 95 %; raises DataError without trials."""
    if n < 1 or not 0 <= successes <= n:
        raise DataError(f"a rate needs 0 <= successes <= n and n >= 1, got {successes} of {n}.")
    interval = binomtest(successes, n).proportion_ci(confidence_level=0.95, method="wilson")
    return Rate(n=n, successes=successes, low=float(interval.low), high=float(interval.high))
