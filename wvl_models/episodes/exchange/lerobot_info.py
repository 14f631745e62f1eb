"""What a LeRobot data set says of itself in `info.json`, and whether we read such a one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from wvl_models.contract.errors import StoreError
from wvl_models.episodes.exchange import lerobot_format as layout
from wvl_models.episodes.exchange.lerobot_format import FilePlace
from wvl_models.episodes.records import Record, parse_record

_MAX_EPISODES = 1_000_000

_MAX_NAMES = 120
"""Letters of a list of names in an error message."""


class _Foreign(Record):
    """Others write more into their documents than we read."""

    model_config = Record.model_config | {"extra": "ignore"}


class Feature(_Foreign):
    """What `info.json` says of one column."""

    dtype: str
    shape: Annotated[tuple[int, ...], Field(max_length=5)]
    names: Any = None
    """A list, a dict or nothing, as their author liked; shown to people alone."""

    @property
    def width(self) -> int:
        """Numbers in a step."""
        return int(np.prod(self.shape)) if self.shape else 1

    @property
    def is_image(self) -> bool:
        """Whether it is a picture or a video."""
        return self.dtype in ("image", "video")


class Info(_Foreign):
    """What we read of `info.json`."""

    codebase_version: str
    total_episodes: Annotated[int, Field(ge=0, le=_MAX_EPISODES)]
    fps: Annotated[float, Field(gt=0, le=1000)]
    data_path: str
    video_path: str | None = None
    features: Annotated[dict[str, Feature], Field(max_length=1000)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Where one episode lies."""

    index: int
    num_steps: int
    data: FilePlace
    videos: dict[str, tuple[FilePlace, float]]
    """File and begin (s) by feature."""
    own: str | None
    """Our own record, where the data set is ours."""


def read_info(document: dict[str, Any], root: Path) -> Info:
    """Validate `info.json` (Any: JSON); StoreError for another version or other places."""
    found = document.get("codebase_version")
    if not isinstance(found, str) or not found.startswith("v3."):
        raise StoreError(
            f"{root} is a LeRobot data set of version {found!r}; v3.0 is read. lerobot itself "
            "converts older ones (`python -m lerobot.datasets.v30.convert_dataset_v21_to_v30`)."
        )
    info = parse_record(document, Info, source=f"{root}/{layout.INFO}")
    known = (layout.DATA_TEMPLATE, layout.VIDEO_TEMPLATE)
    for template in filter(None, (info.data_path, info.video_path)):
        if template not in known:
            raise StoreError(
                f"{root}/{layout.INFO} keeps its files at {template!r}; only the places of the "
                f"format itself are read: {', '.join(known)}."
            )
    return info


def describe(features: dict[str, Feature]) -> str:
    """The features in one sentence, without those that every data set or only ours has."""
    lines = [
        f"{name} ({feature.dtype} {list(feature.shape)}"
        + (f": {_names(feature.names)})" if feature.names and not feature.is_image else ")")
        for name, feature in features.items()
        if not name.startswith(layout.OWN) and name not in layout.INDEX_FEATURES
    ]
    return "its features are " + ", ".join(lines)


def _names(names: Any) -> str:
    """Of the numbers in a feature, cut where there are many (Any: as its author liked)."""
    if isinstance(names, dict):
        names = next(iter(names.values())) if len(names) == 1 else list(names)
    text = ", ".join(map(str, names)) if isinstance(names, list) else str(names)
    return text if len(text) <= _MAX_NAMES else text[: _MAX_NAMES - 3] + "..."
