"""The JSON that the store writes: headers, labels and the manifest, validated when read back.

Contract types hold numpy arrays and belong to everybody; these hold plain JSON and belong to the
disk. Whatever does not fit is refused with a StoreError that names the file and the field.
"""

import hashlib
import json
import re
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self, TypeVar

import numpy as np
from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from wvl_models.contract.camera import CameraCalibration, Intrinsics
from wvl_models.contract.config import Config
from wvl_models.contract.episode import (
    EpisodeHeader,
    Label,
    Origin,
    Outcome,
    SubGoal,
    check_judgement,
    check_order,
)
from wvl_models.contract.errors import DataError, StoreError
from wvl_models.contract.pose import Pose
from wvl_models.episodes.schema import SCHEMA_VERSION

_ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")

MAX_STEPS = 100_000
"""2.8 hours at 10 Hz; a manifest that claims more is damaged."""

MAX_IMAGE_SIDE = 8192
"""Twice the largest frame of any camera in sight."""


MAX_DOCUMENT_BYTES = 1 << 20
"""A manifest has 3 kB; the rest is room for notes and policy versions."""


STORE_AUTHOR = "store"
"""Author of the labels that the store itself gives to aborted episodes; nobody's opinion."""


class Record(Config):
    """Base of what is on disk: like a Config, but NaN and infinity have no place in it."""

    model_config = Config.model_config | {"allow_inf_nan": False}


RecordT = TypeVar("RecordT", bound=Record)


def parse_record(data: Any, kind: type[RecordT], *, source: str) -> RecordT:
    """Validate plain JSON data (Any); `source` names the file in the StoreError."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "top level"
        raise StoreError(f"{source} is damaged or foreign: {place}: {first['msg']}.") from error


def is_episode_id(text: str) -> bool:
    """Whether `text` can name an episode and its folder."""
    return _ID_PATTERN.fullmatch(text) is not None


def check_episode_id(episode_id: str) -> str:
    """The id, if it is one; StoreError otherwise."""
    if not is_episode_id(episode_id):
        raise StoreError(
            f"{episode_id!r} is not an episode id: letters, digits, dot, dash and underscore, "
            "at most 128, beginning with a letter or digit."
        )
    return episode_id


def _id_pattern(value: str) -> str:
    if not is_episode_id(value):
        raise ValueError("not an episode id")
    return value


def _iso_time(value: str) -> str:
    datetime.fromisoformat(value)
    return value


EpisodeId = Annotated[str, AfterValidator(_id_pattern)]
IsoTime = Annotated[str, AfterValidator(_iso_time)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Vector3 = Annotated[tuple[float, ...], Field(min_length=3, max_length=3)]
Vector4 = Annotated[tuple[float, ...], Field(min_length=4, max_length=4)]


class CalibrationRecord(Record):
    """A `CameraCalibration`."""

    name: str
    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    position_m: Vector3
    quaternion_xyzw: Vector4
    calibration_id: str
    """Derived; kept so that a person and `wvl episodes ls` need not compute it."""

    @classmethod
    def of(cls, calibration: CameraCalibration) -> Self:
        """The stored form."""
        k, pose = calibration.intrinsics, calibration.base_T_camera
        return cls(
            name=calibration.name,
            **{name: getattr(k, name) for name in Intrinsics.__dataclass_fields__},
            position_m=tuple(pose.position_m.tolist()),
            quaternion_xyzw=tuple(pose.quaternion_xyzw.tolist()),
            calibration_id=calibration.calibration_id,
        )

    def value(self) -> CameraCalibration:
        """The contract type; DataError where the numbers make no camera."""
        names = Intrinsics.__dataclass_fields__
        return CameraCalibration(
            name=self.name,
            intrinsics=Intrinsics(**{name: getattr(self, name) for name in names}),
            base_T_camera=Pose(
                position_m=np.array(self.position_m),
                quaternion_xyzw=np.array(self.quaternion_xyzw),
            ),
        )


class HeaderRecord(Record):
    """An `EpisodeHeader`."""

    episode_id: EpisodeId
    task: Annotated[str, Field(min_length=1)]
    instruction: str
    rig: str
    calibration: CalibrationRecord
    operator: str
    origin: Origin
    rate_hz: Annotated[float, Field(gt=0)]
    created_utc: IsoTime
    commit: str
    seed: int | None
    notes: str

    @classmethod
    def of(cls, header: EpisodeHeader) -> Self:
        """The stored form; StoreError where a field cannot be stored."""
        data = {name: getattr(header, name) for name in cls.model_fields}
        data["calibration"] = CalibrationRecord.of(header.calibration)
        return parse_record(data, cls, source="the episode's header")

    def value(self) -> EpisodeHeader:
        """The contract type."""
        data = {name: getattr(self, name) for name in type(self).model_fields}
        data["calibration"] = self.calibration.value()
        return EpisodeHeader(**data)


class SubGoalRecord(Record):
    """A `SubGoal`."""

    step: Annotated[int, Field(ge=0, lt=MAX_STEPS)]
    text: Annotated[str, Field(min_length=1)]


class LabelRecord(Record):
    """A `Label`."""

    outcome: Outcome
    success_intervals: tuple[tuple[int, int], ...]
    author: Annotated[str, Field(min_length=1)]
    confidence: float
    notes: str
    stamp_utc: IsoTime
    sub_goals: tuple[SubGoalRecord, ...] = ()
    """Came later: written only where there are some, so that older digests still fit."""

    @model_serializer(mode="wrap")
    def _without_empty_sub_goals(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = serialise(self)  # Any: JSON
        if not self.sub_goals:
            del content["sub_goals"]
        return content

    @model_validator(mode="after")
    def _must_be_a_label(self) -> Self:
        try:
            check_judgement(self.success_intervals, self.confidence)
            check_order(goal.step for goal in self.sub_goals)
        except DataError as error:
            raise ValueError(str(error)) from error
        return self

    @classmethod
    def of(cls, label: Label) -> Self:
        """The stored form; StoreError for a label without author or time."""
        data = {name: getattr(label, name) for name in cls.model_fields}
        data["sub_goals"] = tuple(asdict(goal) for goal in label.sub_goals)
        return parse_record(data, cls, source="the label")

    def value(self) -> Label:
        """The contract type."""
        return Label(
            outcome=self.outcome,
            success_intervals=self.success_intervals,
            author=self.author,
            confidence=self.confidence,
            notes=self.notes,
            stamp_utc=self.stamp_utc,
            sub_goals=tuple(SubGoal(step=g.step, text=g.text) for g in self.sub_goals),
        )


class Ending(StrEnum):
    """How the recording of an episode came to its end."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    """The session gave up on purpose; the steps before that are complete."""
    RECOVERED = "recovered"
    """The process died; `repair` kept the complete steps."""


class FileRecord(Record):
    """Size and digest of one file of an episode."""

    num_bytes: Annotated[int, Field(ge=0)]
    sha256: Digest


class Manifest(Record):
    """What a committed episode holds; kept in the group's `zarr.json`, written last."""

    schema_version: Annotated[int, Field(ge=1, le=SCHEMA_VERSION)]
    header: HeaderRecord
    num_steps: Annotated[int, Field(ge=1, le=MAX_STEPS)]
    height: Annotated[int, Field(ge=1, le=MAX_IMAGE_SIDE)]
    width: Annotated[int, Field(ge=1, le=MAX_IMAGE_SIDE)]
    policy_versions: tuple[str, ...]
    device_domains: tuple[str, ...]
    ending: Ending
    first_label: LabelRecord | None
    """The label given at commit; later ones are in the store's `labels.jsonl`."""
    files: dict[str, FileRecord]
    """Every other file of the episode."""
    digest: Digest
    """sha256 of the canonical JSON of this record without `digest`: the episode's identity."""

    @model_validator(mode="after")
    def _must_fit_its_digest(self) -> Self:
        if self.digest != self.content_digest():
            raise ValueError("the digest does not fit the content")
        return self

    @classmethod
    def sealed(cls, **fields: Any) -> Self:
        """A manifest with its digest (Any: the fields above)."""
        draft = cls.model_construct(**fields, digest="")
        return cls(**fields, digest=draft.content_digest())

    def content_digest(self) -> str:
        """What `digest` must be."""
        content = self.model_dump(mode="json", exclude={"digest"})
        return hashlib.sha256(canonical_json(content)).hexdigest()

    @property
    def num_bytes(self) -> int:
        """Size of all files that the manifest lists."""
        return sum(file.num_bytes for file in self.files.values())


def canonical_json(data: Any) -> bytes:
    """One spelling per value: sorted keys, no spaces, no NaN."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def render_document(document: dict[str, Any]) -> bytes:
    """The one spelling in which documents are stored (Any: JSON); one line, which is what is fast.

    `python -m json.tool FILE` shows it to people.
    """
    return (json.dumps(document, allow_nan=False) + "\n").encode()


def parse_json(data: bytes, *, source: str) -> dict[str, Any]:
    """The JSON object in a file (Any: JSON); StoreError names the file where there is none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{source} is not JSON ({error}).") from error
    if not isinstance(document, dict):
        raise StoreError(f"{source} is not a JSON object.")
    return document
