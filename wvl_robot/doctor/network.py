"""The way to the robot: round trips as FCI needs them."""

import re
import shutil
import subprocess
from dataclasses import dataclass

from wvl_robot.doctor.finding import Finding, fail, ok, warn

NUM_PINGS, INTERVAL_S, PACKET_BYTES = 1000, 0.002, 1200
"""Franka's own test sends 10,000 packets of 1,200 bytes a millisecond apart (its documentation,
"Network bandwidth, delay and jitter test"); 2 ms is the least that is allowed without root."""

MAX_ROUND_TRIP_MS, TYPICAL_ROUND_TRIP_MS = 1.0, 0.3
"""The answer to a packet must be back within the millisecond; some 0.3 ms of it are the user's
(facts/reliability_performance.md A1)."""

_MEND = (
    "connect this computer to the control unit directly or through one switch, without Wi-Fi, USB "
    "adapters or energy saving (`ethtool --set-eee IFACE eee off`)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PingStatistics:
    """What `ping -q` says at its end."""

    num_sent: int
    num_received: int
    mean_ms: float
    max_ms: float


def check_network(host: str) -> list[Finding]:
    """Ping the robot for two seconds."""
    if shutil.which("ping") is None:
        return [warn("network", "there is no `ping`", "`sudo apt install iputils-ping`")]
    command = ["ping", "-q", "-c", str(NUM_PINGS), "-i", str(INTERVAL_S)]
    command += ["-s", str(PACKET_BYTES), "-W", "1", "-w", "10", host]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    statistics = parse_ping(done.stdout)
    if statistics is None:
        said = (done.stderr or done.stdout).strip().splitlines()
        seen = f"{host} does not answer: {said[-1] if said else 'no reply'}"
        return [fail("network", seen, "check robot.host in the rig file, the cable and the subnet")]
    return [judge_ping(statistics, host)]


def parse_ping(text: str) -> PingStatistics | None:
    """The summary of iputils' ping, or None where nothing came back."""
    counts = re.search(r"(\d+) packets transmitted, (\d+) received", text)
    times = re.search(r"= ([\d.]+)/([\d.]+)/([\d.]+)", text)
    if counts is None or times is None or counts[2] == "0":
        return None
    return PingStatistics(
        num_sent=int(counts[1]),
        num_received=int(counts[2]),
        mean_ms=float(times[2]),
        max_ms=float(times[3]),
    )


def judge_ping(seen: PingStatistics, host: str) -> Finding:
    """Loss or a late answer means lost control packets; twenty in a row stop the arm."""
    text = (
        f"{host}: mean {seen.mean_ms:.2f} ms, worst {seen.max_ms:.2f} ms, "
        f"{seen.num_sent - seen.num_received} of {seen.num_sent} lost"
    )
    if seen.mean_ms > MAX_ROUND_TRIP_MS or seen.num_received < 0.99 * seen.num_sent:
        return fail("network", text, _MEND)
    if (
        seen.max_ms > MAX_ROUND_TRIP_MS
        or seen.mean_ms > TYPICAL_ROUND_TRIP_MS
        or seen.num_received < seen.num_sent
    ):
        return warn("network", text, _MEND)
    return ok("network", text)
