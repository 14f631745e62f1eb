"""Connecting to a Franka: bounded, and with sentences that say what to do when it fails.

Read against franky-control 2.0.0, which bundles libfranka 0.21.2 (robot server version 10).
"""

import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from wvl_models.contract.errors import RobotError, SetupError
from wvl_robot.rig.config import RobotConfig

if TYPE_CHECKING:
    import franky

_LOG = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
"""libfranka waits 60 s for an address that does not answer (measured) and for ever for a server
that accepts and stays silent. A robot on the same switch answers within milliseconds."""

LOAD_OFFSET_M = 0.1034
"""A load is taken to hang at the tool centre point: flange + 103.4 mm."""

LOAD_RADIUS_M = 0.03
"""Its inertia is that of a solid sphere of this radius."""

_WHEELS = "https://timschneider42.github.io/franky/whl/by-robot-server-version"

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class RobotIdentity:
    """Who answered."""

    kind: str
    """`fr3` or `panda`, from the model that the robot sends; franky builds for robots that send
    none (server versions below 9) are for the Panda and early FR3 and report `unknown`."""
    model_name: str
    gripper_server_version: int

    @property
    def unsupported(self) -> tuple[str, ...]:
        """What this robot cannot do of what the stack can, in sentences for the operator."""
        if self.kind == "fr3":
            return ()
        lacks = ["Desk does not tell whether FCI is active (`wvl desk status` says unknown)"]
        if self.kind == "unknown":
            lacks.append(
                "the robot sends no model (server version below 9), so nobody checks that "
                "robot.kind of the rig file is right"
            )
        return tuple(lacks)


@dataclass(frozen=True, kw_only=True, slots=True)
class FrankaLink:
    """Open connections to the arm and to its hand."""

    robot: "franky.Robot"
    gripper: "franky.Gripper"
    identity: RobotIdentity


def connect(config: RobotConfig, timeout_s: float = CONNECT_TIMEOUT_S) -> FrankaLink:
    """Connect to arm and hand and configure both; raises RobotError that says what to do."""
    franky, host = import_franky(), config.host
    robot = _bounded(lambda: _open_robot(config), host, "FCI at port 1337", timeout_s)
    gripper = _bounded(lambda: franky.Gripper(host), host, "gripper at port 1338", timeout_s)
    identity = _identify(robot, gripper)
    if identity.kind not in (config.kind, "unknown"):
        raise RobotError(
            f"{config.host} is a {identity.kind} ('{identity.model_name}'), but the rig file says "
            f"robot.kind: {config.kind}. Correct the rig file; limits differ between the two."
        )
    _configure(robot, config)
    _LOG.info(
        "connected to %s at %s (model '%s', gripper server %d)",
        identity.kind,
        config.host,
        identity.model_name,
        identity.gripper_server_version,
    )
    for lack in identity.unsupported:
        _LOG.warning("%s: %s", config.host, lack)
    return FrankaLink(robot=robot, gripper=gripper, identity=identity)


def import_franky() -> Any:  # the SDK module
    """The SDK; raises SetupError where it is not installed."""
    try:
        import franky
    except ImportError as error:
        raise SetupError(
            f"franky cannot be imported ({error}); install it with `pip install franky-control`."
        ) from error
    return franky


def sdk_errors() -> tuple[type[Exception], ...]:
    """What franky raises: libfranka's own exceptions, and the planner's as plain RuntimeError."""
    franky = import_franky()
    return (
        franky.Exception,
        franky.InvalidMotionTypeException,
        franky.MotionReuseException,
        RuntimeError,
        ValueError,
    )


def first_line(error: BaseException) -> str:
    """The telling line of an SDK exception, without its `libfranka: ` prefix."""
    return str(error).splitlines()[0].removeprefix("libfranka: ") if str(error) else repr(error)


def _open_robot(config: RobotConfig) -> "franky.Robot":
    franky = import_franky()
    realtime = franky.RealtimeConfig.Enforce if config.is_realtime else franky.RealtimeConfig.Ignore
    return franky.Robot(
        config.host,
        default_torque_threshold=config.collision_torque_nm,
        default_force_threshold=config.collision_force_n,
        realtime_config=realtime,
    )


def _bounded(open_it: Callable[[], T], host: str, what: str, timeout_s: float) -> T:
    """Run `open_it` in a thread and give up on it in time; translate what it raises."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(open_it())
        except BaseException as error:  # raised in the caller's thread below
            errors.append(error)

    thread = threading.Thread(target=run, name=f"connect {what}", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if errors:
        raise _explain(errors[0], host, what) from errors[0]
    if not results:
        raise RobotError(
            f"the {what} of {host} does not answer within {timeout_s:g} s. Is this the "
            "robot's address (robot.host in the rig file), is the cable in the control unit's "
            "(not the arm's) port, and is nobody else connected?"
        )
    return results[0]


def _explain(error: BaseException, host: str, what: str) -> RobotError:
    franky = import_franky()
    said = first_line(error)
    if isinstance(error, franky.RealtimeException):
        return RobotError(
            f"this machine has no real-time kernel ({said}). Boot a PREEMPT_RT kernel, or set "
            "robot.is_realtime: false for the virtual cell only."
        )
    if isinstance(error, franky.IncompatibleVersionException):
        version = re.search(r"server version: *(\d+)", str(error))
        number = version.group(1) if version else "<N>"
        return RobotError(
            f"{host} speaks another robot server version than this franky ({said}). Install the "
            f"matching build: pip install --force-reinstall --no-deps franky-control "
            f"--extra-index-url {_WHEELS}/{number}/"
        )
    if "refused" in said:
        advice = (
            "start the virtual cell first (wvl up)"
            if host.startswith("127.")
            else "unlock the brakes and activate FCI in Desk"
        )
        return RobotError(f"{host} refuses the {what}: {advice}. (libfranka: {said})")
    return RobotError(
        f"cannot reach the {what} of {host}: {said}. Check robot.host in the rig file, the cable "
        "and this machine's address in the robot's network."
    )


def _identify(robot: "franky.Robot", gripper: "franky.Gripper") -> RobotIdentity:
    urdf = getattr(robot, "model_urdf", "")
    named = re.search(r'<robot[^>]*\bname="([^"]*)"', urdf)
    name = named.group(1) if named else ""
    kinds = {"fr3": "fr3", "panda": "panda", "fer": "panda"}
    kind = next((k for prefix, k in kinds.items() if name.startswith(prefix)), "unknown")
    return RobotIdentity(
        kind=kind, model_name=name, gripper_server_version=int(gripper.server_version)
    )


def _configure(robot: "franky.Robot", config: RobotConfig) -> None:
    if config.nominal_T_ee is not None:
        rows = [config.nominal_T_ee[i : i + 4] for i in range(0, 16, 4)]
        robot.set_ee([rows[row][column] for column in range(4) for row in range(4)])
    if config.load_mass_kg > 0.0:
        inertia = 0.4 * config.load_mass_kg * LOAD_RADIUS_M**2
        robot.set_load(
            config.load_mass_kg,
            [0.0, 0.0, LOAD_OFFSET_M],
            [inertia, 0.0, 0.0, 0.0, inertia, 0.0, 0.0, 0.0, inertia],
        )
