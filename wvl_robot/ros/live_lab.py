"""The live lab: a few episodes through everything that a real rig runs, for the loop.

Starts the same graph as `wvl up`, as a child process in a ROS domain and at a loopback address of
its own, lets its campaign record the episodes, and reads the campaign's report. Nothing of ROS is
loaded into the loop's own process.

The graph's session process is the one writer of `store` while it runs: whoever holds the store open
must not have it locked then (`EpisodeStore.close` lets go; the next write locks it anew). A locked
store ends the graph with the store's own sentence, and nothing is lost.
"""

import importlib.util
import json
import logging
import os
import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from wvl_models.contract.errors import SetupError
from wvl_models.loop.lab import LiveDeployment
from wvl_robot.graph_child import GraphChild
from wvl_robot.rig.config import load_rig

_LOG = logging.getLogger(__name__)

NEEDED = ("rclpy", "wvl_interfaces")

START_PATIENCE_S, EPISODE_PATIENCE_S = 300.0, 240.0
"""A graph is up after 5 s and an episode takes 10 s; on a loaded machine much longer, and an
episode that was given up is tried anew."""

NUM_DOMAINS = 101
"""Domains 1 to 101 leave Linux's ephemeral ports alone."""

_FIRST_PORT, _PORTS_PER_DOMAIN, _UNICAST = 7400, 250, 10
"""Where a domain's first participant listens (DDSI-RTPS 9.6.1.1)."""


class RosLiveLab:
    """Implements `wvl_models.loop.lab.LiveLab`; see the module docstring."""

    def __init__(
        self,
        *,
        share: Path,
        task: str,
        rig: str,
        store: Path,
        registry: Path,
        commit: str,
        log_folder: Path,
        announce: Callable[[str], None] = _LOG.info,
    ) -> None:
        """`announce` hears a line now and then. SetupError where ROS 2 is not installed."""
        missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
        if missing:
            raise SetupError(
                f"live episodes need ROS 2, and the Python package {missing[0]} is missing; `make "
                "setup` installs it from wheels."
            )
        self._share, self._task, self._rig = share, task, rig
        self._store, self._registry, self._commit = store, registry, commit
        self._log_folder, self._announce = log_folder, announce
        self._is_virtual = load_rig(share, rig).is_virtual
        if not self._is_virtual:
            raise SetupError(
                f"rig '{rig}' cannot reset itself; the loop's live episodes need the virtual cell."
            )

    def demonstrate(self, seeds: Sequence[int]) -> tuple[str, ...]:
        """Ids of the scripted operator's episodes, committed, in the order of the seeds."""
        if not seeds:
            return ()
        arguments = {"seeds": _joined(seeds)}
        report = self._run("teleop_collect", arguments, num_episodes=len(seeds))
        return _ids(report["before"])

    def deploy(self, before: str, after: str, seeds: Sequence[int]) -> LiveDeployment:
        """The first half of the seeds under `before`, the rest under `after`, in one session.

        A single seed is used for both.
        """
        half = (len(seeds) + 1) // 2
        late = seeds[half:] or seeds
        arguments = {
            "registry": str(self._registry),
            "policy": before,
            "swap_to": after,
            "seeds": _joined(seeds[:half]),
            "seeds_after": _joined(late),
        }
        report = self._run("deploy_policy", arguments, num_episodes=half + len(late))
        return LiveDeployment(
            before=_ids(report["before"]),
            after=_ids(report["after"]),
            swap_s=float(report["swap_s"]),
        )

    def _run(
        self, graph: str, arguments: Mapping[str, str], num_episodes: int
    ) -> dict[str, Any]:  # CampaignReport as JSON
        """Start the graph and wait for its end; its report."""
        self._log_folder.mkdir(parents=True, exist_ok=True)
        log = self._log_folder / f"{graph}.log"
        with tempfile.TemporaryDirectory(prefix="wvl_live_") as scratch:
            report = Path(scratch) / "report.json"
            everything = {
                "rig": self._rig,
                "host": free_loopback(),
                "task": self._task,
                "store": str(self._store),
                "commit": self._commit,
                "report": str(report),
                **arguments,
            }
            environment = os.environ | {
                "ROS_DOMAIN_ID": str(free_domain()),
                "ROS_LOG_DIR": str(log.parent / "ros"),
            }
            given = {name: value for name, value in everything.items() if value}
            with GraphChild(graph, given, environment, log, self._pass_on) as child:
                child.wait_end(START_PATIENCE_S + EPISODE_PATIENCE_S * num_episodes)
            return json.loads(report.read_text(encoding="utf-8"))

    def _pass_on(self, line: str) -> None:
        if " campaign " in line and "[INFO]" in line:
            self._announce(line.partition("[INFO] ")[2].strip())


def free_domain() -> int:
    """A ROS domain in which nobody on this machine listens."""
    first = os.getpid() % NUM_DOMAINS
    for offset in range(NUM_DOMAINS):
        domain = 1 + (first + offset) % NUM_DOMAINS
        port = _FIRST_PORT + _PORTS_PER_DOMAIN * domain + _UNICAST
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
        return domain
    raise SetupError(f"every ROS domain from 1 to {NUM_DOMAINS} is in use on this machine.")


def free_loopback() -> str:
    """A loopback address of this process: the rig's own may be serving another cell."""
    pid = os.getpid()
    return f"127.{64 + (pid >> 16) % 64}.{(pid >> 8) & 255}.{max(pid & 255, 1)}"


def _joined(seeds: Sequence[int]) -> str:
    return ",".join(str(seed) for seed in seeds)


def _ids(episodes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(str(episode["episode_id"]) for episode in episodes)
