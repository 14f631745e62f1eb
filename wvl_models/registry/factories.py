"""From the name in a manifest to the installed code that loads it.

Names are entry points of this or another installed distribution, so a checkpoint can choose
among what is installed and never bring code of its own.
"""

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from wvl_models.contract.errors import CheckpointError
from wvl_models.registry.manifest import Kind

GROUPS = {"policy": "wvl.policies", "world_model": "wvl.world_models"}


class Loader(Protocol):
    """Loads a version's folder (Any: the concrete class stays unknown here)."""

    def __call__(self, folder: Path) -> Any:
        """The loaded object."""
        ...


def loader(kind: Kind, factory: str) -> Loader:
    """The loader of that name; raises CheckpointError that lists the installed ones."""
    known = {point.name: point for point in entry_points(group=GROUPS[kind])}
    if factory not in known:
        raise CheckpointError(
            f"nothing installed loads a {kind} of class '{factory}'; known: "
            f"{', '.join(sorted(known)) or 'none'}."
        )
    found: Loader = known[factory].load()
    return found
