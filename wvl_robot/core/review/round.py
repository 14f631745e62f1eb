"""Which episodes an operator has looked at while going through the list. Pure."""

from collections.abc import Callable, Collection


class Round:
    """Nobody is sent to an episode twice before all others have been offered."""

    def __init__(self) -> None:
        self._visited: set[str] = set()

    def next(self, here: str, find: Callable[[Collection[str]], str | None]) -> str | None:
        """What `find` finds beside the visited ones, `here` among them.

        Where there is nothing left a new round begins. `here` is empty where nothing is open.
        """
        self._visited.add(here)
        found = find(self._visited)
        if found is None and self._visited - {here}:
            self._visited = {here}
            found = find(self._visited)
        return found

    def forget(self, episode_id: str) -> None:
        """It wants a look again."""
        self._visited.discard(episode_id)
