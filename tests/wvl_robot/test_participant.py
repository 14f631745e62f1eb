"""Who takes the place of a killed process gets a DDS participant of its own."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from wvl_robot.environment import PROFILE_VARIABLES, node_environment
from wvl_robot.participant import as_participant
from wvl_robot.share import share_folder


def test_the_shipped_profile_gets_the_participants_id_and_stays_otherwise(tmp_path: Path) -> None:
    before = node_environment(share_folder(), {})
    after = as_participant(before, 17, tmp_path)
    paths = {after[name] for name in PROFILE_VARIABLES}
    assert len(paths) == 1
    tree = ElementTree.parse(paths.pop())
    (chosen,) = tree.findall(".//{*}participantID")
    assert chosen.text == "17"
    (rtps,) = tree.findall(".//{*}rtps")
    rtps.remove(chosen)
    tags = [element.tag for element in tree.iter()]
    shipped = ElementTree.parse(before[PROFILE_VARIABLES[0]])
    assert tags == [element.tag for element in shipped.iter()]
    unchanged = {k: v for k, v in after.items() if k not in PROFILE_VARIABLES}
    assert unchanged == {k: v for k, v in before.items() if k not in PROFILE_VARIABLES}


def test_a_profile_with_an_id_of_its_own_and_a_missing_one_are_left_alone(tmp_path: Path) -> None:
    chosen = tmp_path / "own.xml"
    chosen.write_text("<rtps><participantID>3</participantID></rtps>")
    for environment in ({}, {PROFILE_VARIABLES[0]: str(chosen)}, {PROFILE_VARIABLES[0]: "/no.xml"}):
        assert as_participant(environment, 17, tmp_path) == environment
