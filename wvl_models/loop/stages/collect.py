"""Demonstrations and near-successes: a few live, the rest as fast as the lab can."""

from typing import Any

from wvl_models.contract.errors import DataError
from wvl_models.episodes.snapshot import EpisodeFilter
from wvl_models.loop.circle import Circle
from wvl_models.loop.pretrain import careful_attempt, sans_attempt
from wvl_models.loop.progress import follow


def collect(circle: Circle) -> dict[str, Any]:
    """Ids of live demonstrations, of demonstrations for SFT, of SANS data and of the test set."""
    data, seeds = circle.config.data, circle.seeds
    live = _live(circle, data.live)
    careful = [careful_attempt(seeds.demonstrations(i)) for i in range(data.demonstrations)]
    sans = [sans_attempt(seeds.sans(i), i, data.near_share) for i in range(data.sans)]
    test = [sans_attempt(seeds.test(i), i, data.near_share) for i in range(data.test)]
    attempts = [*careful, *sans, *test]
    ids = list(
        follow(
            circle.progress, "collect", len(attempts), circle.require_lab().demonstrate(attempts)
        )
    )
    first_sans, first_test = len(careful), len(careful) + len(sans)
    demonstrations = successes(circle, [*live, *ids[:first_sans]])
    if not demonstrations:
        raise DataError("no demonstration succeeded, so SFT has nothing to learn from.")
    return {
        "live": live,
        "demonstrations": demonstrations,
        "sans": ids[first_sans:first_test],
        "test": ids[first_test:],
        "outcomes": outcomes(circle, [*live, *ids]),
    }


def _live(circle: Circle, count: int) -> list[str]:
    if circle.live is None or not count:
        return []
    circle.progress.begin("collect live: ROS 2, FCI, camera SDK", count)
    with circle.store_lent():
        ids = circle.live.demonstrate([circle.seeds.live(i) for i in range(count)])
    circle.progress.reach(count)
    return list(ids)


def successes(circle: Circle, ids: list[str]) -> list[str]:
    """Those that show a success state."""
    view = circle.view(ids)
    return [name for name in ids if (view.rewards(name) > 0.5).any()]


def outcomes(circle: Circle, ids: list[str]) -> dict[str, int]:
    """How many episodes ended how, by their current labels."""
    counts: dict[str, int] = {}
    for row in circle.store.summary(EpisodeFilter(ids=tuple(ids))):
        name = "unlabelled" if row.label is None else row.label.outcome.value
        counts[name] = counts.get(name, 0) + 1
    return counts
