"""/diagnostics: how a node and its parts are doing, once a second, for `rqt_robot_monitor`."""

from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from wvl_robot.core.health import Health
from wvl_robot.ros import convert, topics

if TYPE_CHECKING:
    from wvl_robot.ros.host import Host
    from wvl_robot.ros.managed import ManagedNode

PERIOD_S = 1.0
"""What diagnostic_updater uses by default."""


class DiagnosticsFront:
    """Publishes what the node and its parts say of themselves, in every state of the node."""

    def __init__(self, host: "Host", node: "ManagedNode") -> None:
        self._host, self._node = host, node
        self._publish = host.publisher(topics.DIAGNOSTICS)

    def report(self) -> None:
        """Publish once."""
        name = self._node.get_fully_qualified_name().lstrip("/")
        self._publish(
            DiagnosticArray(
                header=convert.header(self._host.time(), ""),
                status=[to_status(name, health) for health in self._node.healths()],
            )
        )


def to_status(node: str, health: Health) -> DiagnosticStatus:
    """One part of a node."""
    return DiagnosticStatus(
        level=bytes([health.level]),
        name=f"{node}: {health.part}",
        hardware_id=node,
        message=health.message,
        values=[KeyValue(key=key, value=_text(value)) for key, value in health.values.items()],
    )


def _text(value: object) -> str:
    """Numbers as a person reads them."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
