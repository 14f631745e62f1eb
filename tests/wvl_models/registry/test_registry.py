"""Versions appear whole, are never changed, and one of them is current."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.wvl_models.registry.versions import publish, write_policy
from wvl_models.contract.errors import CheckpointError
from wvl_models.registry.manifest import MANIFEST, Metric
from wvl_models.registry.registry import CURRENT, HISTORY, Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


def test_a_version_says_what_it_is(registry: Registry, scratch: Path) -> None:
    metric = Metric(name="success", value=0.5, n=200, low=0.43, high=0.57)
    made = publish(registry, scratch, 0, parent="policy-0000-abc", metrics=(metric,), snapshot="s1")
    found = registry.manifest("policy", made.version)
    assert found == made
    assert (found.parent, found.snapshot, found.metrics) == ("policy-0000-abc", "s1", (metric,))
    assert set(found.files) == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "dataset_statistics.json",
        "canary.npz",
    }


def test_versions_are_listed_oldest_first(registry: Registry, scratch: Path) -> None:
    made = tuple(publish(registry, scratch, seed).version for seed in range(3))
    assert registry.versions("policy") == made
    assert registry.versions("world_model") == ()


def test_publishing_promotes_nothing(registry: Registry, scratch: Path) -> None:
    publish(registry, scratch, 0)
    assert registry.current("policy") is None


def test_a_published_version_can_be_published_again(registry: Registry, scratch: Path) -> None:
    """Pinned: its old manifest was taken for one of its files, and the copy was refused."""
    first = publish(registry, scratch, 0)
    again = registry.publish(
        "policy",
        registry.folder("policy", first.version),
        factory=first.factory,
        parent=first.version,
        commit="0000000",
        snapshot=None,
        configuration={},
        canary=first.canary,
    )
    assert again.files == first.files
    registry.verify("policy", again.version)


def test_promotion_moves_current_and_is_on_record(registry: Registry, scratch: Path) -> None:
    one, two = (publish(registry, scratch, seed).version for seed in range(2))
    registry.promote("policy", one, reason="first")
    registry.promote("policy", two, reason="better")
    assert registry.current("policy") == two
    lines = (registry.root / "policy" / HISTORY).read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert [(e["version"], e["before"], e["reason"]) for e in events] == [
        (one, None, "first"),
        (two, one, "better"),
    ]


def test_rolling_back_goes_back_step_by_step(registry: Registry, scratch: Path) -> None:
    """Pinned: a second rollback went forward again, to the version that had been left."""
    one, two, three = (publish(registry, scratch, seed).version for seed in range(3))
    for version in (one, two, three):
        registry.promote("policy", version, reason="better")
    assert registry.roll_back("policy") == two
    assert registry.roll_back("policy") == one == registry.current("policy")
    with pytest.raises(CheckpointError, match="no earlier policy version"):
        registry.roll_back("policy")
    assert registry.current("policy") == one


def test_after_a_rollback_the_next_promotion_returns_to_it(
    registry: Registry, scratch: Path
) -> None:
    one, two, three = (publish(registry, scratch, seed).version for seed in range(3))
    registry.promote("policy", one, reason="first")
    registry.promote("policy", two, reason="better")
    registry.roll_back("policy")
    registry.promote("policy", three, reason="better still")
    assert registry.roll_back("policy") == one


def test_promoting_twice_is_promoting_once(registry: Registry, scratch: Path) -> None:
    one, two = (publish(registry, scratch, seed).version for seed in range(2))
    for version in (one, two, two):
        registry.promote("policy", version, reason="again")
    assert registry.roll_back("policy") == one


def test_a_torn_line_of_history_is_passed_over(registry: Registry, scratch: Path) -> None:
    one, two = (publish(registry, scratch, seed).version for seed in range(2))
    registry.promote("policy", one, reason="first")
    with (registry.root / "policy" / HISTORY).open("a") as log:
        log.write('{"version": "poli\n')
    registry.promote("policy", two, reason="better")
    assert registry.roll_back("policy") == one


def test_without_a_current_version_there_is_nothing_to_roll_back(registry: Registry) -> None:
    with pytest.raises(CheckpointError, match="no earlier"):
        registry.roll_back("policy")


@pytest.mark.parametrize("file", ["model.safetensors", "canary.npz", "config.json"])
def test_every_flipped_bit_is_found(registry: Registry, scratch: Path, file: str) -> None:
    version = publish(registry, scratch, 0).version
    path = registry.folder("policy", version) / file
    whole = path.read_bytes()
    for place in np.linspace(0, len(whole) - 1, 25, dtype=int):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(place % 8)
        path.write_bytes(bytes(flipped))
        with pytest.raises(CheckpointError, match=f"{file} has been changed or damaged"):
            registry.verify("policy", version)
    path.write_bytes(whole)
    registry.verify("policy", version)


def test_a_damaged_version_is_not_promoted(registry: Registry, scratch: Path) -> None:
    one, two = (publish(registry, scratch, seed).version for seed in range(2))
    registry.promote("policy", one, reason="first")
    with (registry.folder("policy", two) / "model.safetensors").open("ab") as file:
        file.write(b"x")
    with pytest.raises(CheckpointError, match="changed or damaged"):
        registry.promote("policy", two, reason="better")
    assert registry.current("policy") == one
    assert len((registry.root / "policy" / HISTORY).read_text().splitlines()) == 1


def test_a_missing_foreign_or_linked_file_is_found(registry: Registry, scratch: Path) -> None:
    folder = registry.folder("policy", publish(registry, scratch, 0).version)
    weights, kept = folder / "model.safetensors", scratch / "kept"
    weights.rename(kept)
    with pytest.raises(CheckpointError, match="is missing"):
        registry.verify("policy", folder.name)
    weights.symlink_to(kept)
    with pytest.raises(CheckpointError, match="is a link"):
        registry.verify("policy", folder.name)
    weights.unlink()
    shutil.copy(kept, weights)
    (folder / "extra.py").write_text("print()")
    with pytest.raises(CheckpointError, match="does not belong there"):
        registry.verify("policy", folder.name)


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2}', "\x00"])
def test_a_damaged_manifest_is_refused(registry: Registry, scratch: Path, text: str) -> None:
    version = publish(registry, scratch, 0).version
    (registry.folder("policy", version) / MANIFEST).write_text(text)
    with pytest.raises(CheckpointError, match="manifest"):
        registry.verify("policy", version)


def test_a_renamed_version_is_refused(registry: Registry, scratch: Path) -> None:
    folder = registry.folder("policy", publish(registry, scratch, 0).version)
    folder.rename(folder.with_name("policy-0009-best"))
    with pytest.raises(CheckpointError, match="versions cannot be renamed"):
        registry.promote("policy", "policy-0009-best", reason="mine")


@pytest.mark.parametrize("version", ["policy-0007-ab", "../policy", "", ".staging-1", "A b"])
def test_an_unknown_version_is_refused_with_the_known_ones(
    registry: Registry, scratch: Path, version: str
) -> None:
    known = publish(registry, scratch, 0).version
    with pytest.raises(CheckpointError, match=f"known: {known}"):
        registry.promote("policy", version, reason="x")


def test_what_a_crash_left_of_a_publication_is_no_version(
    registry: Registry, scratch: Path
) -> None:
    """Neither a staging folder nor a folder whose manifest was not yet written."""
    one = publish(registry, scratch, 0).version
    home = registry.root / "policy"
    shutil.copytree(home / one, home / ".staging-1")
    shutil.copytree(home / one, home / "policy-0002-half")
    (home / "policy-0002-half" / MANIFEST).unlink()
    assert registry.versions("policy") == (one,)


def test_a_crash_before_current_moves_leaves_the_old_one(registry: Registry, scratch: Path) -> None:
    one, two = (publish(registry, scratch, seed).version for seed in range(2))
    registry.promote("policy", one, reason="first")
    home = registry.root / "policy"
    (home / f".{CURRENT}-{os.getpid()}").write_text(two[:5])
    with (home / HISTORY).open("a") as log:
        log.write(json.dumps({"version": two, "before": one, "reason": "x"}) + "\n")
    assert registry.current("policy") == one
    registry.promote("policy", two, reason="again")
    assert registry.roll_back("policy") == one


def test_a_refusing_disk_leaves_nothing_half_published(tmp_path: Path, scratch: Path) -> None:
    """A file where a folder belongs stands for every refusal of the disk."""
    (tmp_path / "full").write_text("")
    canary = write_policy(scratch / "source", 0)
    with pytest.raises(CheckpointError, match="cannot publish into"):
        Registry(tmp_path / "full").publish(
            "policy",
            scratch / "source",
            factory="openvla_oft",
            parent=None,
            commit="0",
            snapshot=None,
            configuration={},
            canary=canary,
        )
    assert (tmp_path / "full").read_text() == ""


@pytest.mark.parametrize("has_folder", [True, False])
def test_nothing_cannot_be_published(registry: Registry, scratch: Path, has_folder: bool) -> None:
    if has_folder:
        (scratch / "source").mkdir()
    with pytest.raises(CheckpointError, match="cannot publish into"):
        registry.publish(
            "policy",
            scratch / "source",
            factory="openvla_oft",
            parent=None,
            commit="0",
            snapshot=None,
            configuration={},
        )
    assert list((registry.root / "policy").iterdir()) == []
