"""The environment of the nodes: nobody outside this machine hears them unless somebody says so."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from wvl_robot.environment import (
    PEERS,
    PROFILE_VARIABLES,
    RANGE,
    SOCKET_BYTES,
    node_environment,
    profile_file,
)
from wvl_robot.share import share_folder

SHARE = share_folder()


def shipped(name: str) -> Path:
    return SHARE / "config" / name


def test_without_a_word_nodes_keep_to_this_machine() -> None:
    environment = node_environment(SHARE, {})
    assert environment[RANGE] == "LOCALHOST"
    assert {environment[name] for name in PROFILE_VARIABLES} == {str(shipped("fastdds_shm.xml"))}


@pytest.mark.parametrize(
    "said", [{RANGE: "SUBNET"}, {RANGE: "SYSTEM_DEFAULT"}, {PEERS: "10.0.0.2"}]
)
def test_who_lets_other_machines_in_gets_sockets_to_them(said: dict[str, str]) -> None:
    environment = node_environment(SHARE, said)
    assert {environment[name] for name in PROFILE_VARIABLES} == {
        str(shipped("fastdds_network.xml"))
    }


@pytest.mark.parametrize("said", [{RANGE: "OFF"}, {RANGE: "LOCALHOST"}, {PEERS: ""}])
def test_other_settings_do_not(said: dict[str, str]) -> None:
    assert profile_file(SHARE, said) == shipped("fastdds_shm.xml")


def test_a_profile_of_the_users_own_stays() -> None:
    mine = {PROFILE_VARIABLES[0]: "/my.xml"}
    assert node_environment(SHARE, mine)[PROFILE_VARIABLES[0]] == "/my.xml"


def test_the_two_profiles_differ_in_nothing_but_the_network() -> None:
    ours, open_one = (
        ElementTree.parse(shipped(name)) for name in ("fastdds_shm.xml", "fastdds_network.xml")
    )
    (udp,) = (
        one
        for one in ours.findall(".//{*}transport_descriptor")
        if one.findtext("{*}type") == "UDPv4"
    )
    (allowed,) = udp.findall("{*}interfaceWhiteList")
    assert [address.text for address in allowed] == ["127.0.0.1"]
    udp.remove(allowed)
    for buffer in ("sendBufferSize", "receiveBufferSize"):
        (size,) = open_one.findall(f".//{{*}}{buffer}")
        assert int(size.text or "") == SOCKET_BYTES
        next(iter(open_one.iterfind(f".//{{*}}{buffer}/.."))).remove(size)
    assert said_by(ours) == said_by(open_one)


def said_by(tree: ElementTree.ElementTree) -> list[tuple[str, dict[str, str], str]]:
    return [(one.tag, one.attrib, (one.text or "").strip()) for one in tree.iter()]
