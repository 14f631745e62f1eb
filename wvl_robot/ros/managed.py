"""A managed node: the standard lifecycle (configure, activate, deactivate, ...) around two hosts.

Transitions come from the standard services, or from the node itself (parameter `autostart`). One
runs at a time; one that does not fit the state is refused, where rclpy 7.1.6 lets the error end the
executor. A user's mistake (WvlError) leaves the node where it was and is shown on /diagnostics;
anything else ends the process.
"""

import contextlib
import logging
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from wvl_models.contract.errors import WvlError
from wvl_robot.core.health import Health, Level
from wvl_robot.ros.host import JOIN_TIMEOUT_S, Ending, Host

_LOG = logging.getLogger(__name__)

Activate = Callable[[Host], None]

Configure = Callable[[Host], Activate]

_DONE, _REFUSED, _BROKEN = (
    TransitionCallbackReturn.SUCCESS,
    TransitionCallbackReturn.FAILURE,
    TransitionCallbackReturn.ERROR,
)


class Phase(StrEnum):
    """The primary states of a managed node."""

    UNCONFIGURED = "unconfigured"
    INACTIVE = "inactive"
    ACTIVE = "active"
    FINALIZED = "finalized"


class ManagedNode(LifecycleNode):
    """See the module docstring; `configure` is set before the first transition."""

    def __init__(self, name: str, ending: Ending) -> None:
        super().__init__(name)
        self.configure: Configure | None = None
        self.phase, self.refusal = Phase.UNCONFIGURED, ""
        self._ending = ending
        self._transition = threading.Lock()
        self._activate: Activate | None = None
        self._error: Exception | None = None
        self._hosts: list[Host] = []
        """Of the configured node, and of the active one."""
        self._serve_one_at_a_time()

    def start(self) -> None:
        """Configure and activate; raises what stands against it."""
        with self._transition:
            for name, trigger in (
                ("configure", self.trigger_configure),
                ("activate", self.trigger_activate),
            ):
                if trigger() is not _DONE:
                    raise self._error or RuntimeError(f"the transition '{name}' failed")

    def stop(self) -> None:
        """Tell every thread to end, and a transition that waits for something to give up."""
        for host in list(self._hosts):
            host.stop.set()

    def close(self) -> None:
        """Shut down whatever is left; raises what goes wrong."""
        has_turn = self._transition.acquire(timeout=JOIN_TIMEOUT_S)  # one may be under way
        with contextlib.ExitStack() as stack:
            for host in self._hosts:
                stack.callback(host.close)
        self._hosts.clear()
        if has_turn:
            with contextlib.suppress(RuntimeError):  # cut short in a transition, or finalized
                self.trigger_shutdown()

    def healths(self) -> list[Health]:
        """Of this node and of its parts."""
        return [
            self._health(),
            *(report() for host in list(self._hosts) for report in host.reports),
        ]

    def on_configure(self, previous: LifecycleState) -> TransitionCallbackReturn:
        """Read what is configured, connect."""

        def configure(host: Host) -> None:
            assert self.configure is not None
            self._activate = self.configure(host)

        return self._begin(configure, Phase.INACTIVE)

    def on_activate(self, previous: LifecycleState) -> TransitionCallbackReturn:
        """Take orders, publish."""
        assert self._activate is not None
        return self._begin(self._activate, Phase.ACTIVE)

    def on_deactivate(self, previous: LifecycleState) -> TransitionCallbackReturn:
        """Stop safely; devices stay connected."""
        return self._end(1, Phase.INACTIVE)

    def on_cleanup(self, previous: LifecycleState) -> TransitionCallbackReturn:
        """Release the devices."""
        return self._end(0, Phase.UNCONFIGURED)

    def on_shutdown(self, previous: LifecycleState) -> TransitionCallbackReturn:
        """From any state."""
        return self._end(0, Phase.FINALIZED)

    def _begin(self, do: Callable[[Host], None], then: Phase) -> TransitionCallbackReturn:
        host = Host(self, self._ending)
        self._hosts.append(host)
        try:
            do(host)
        except Exception as error:
            self._error = error
            return self._undo(host, error)
        self.refusal, self.phase = "", then
        _LOG.info("%s", then.value)
        return _DONE

    def _undo(self, host: Host, error: Exception) -> TransitionCallbackReturn:
        """What was begun is taken down."""
        self._hosts.remove(host)
        was_told_to_end = host.stop.is_set()
        with contextlib.suppress(WvlError):  # the first error is the one that counts
            host.close()
        if not isinstance(error, WvlError):
            self._ending.fail(error)
            return _BROKEN
        self.refusal = str(error)
        if not was_told_to_end:
            _LOG.error("stays %s: %s", self.phase.value, error)
        return _REFUSED

    def _end(self, num_left: int, then: Phase) -> TransitionCallbackReturn:
        """Close hosts until so many are left."""
        try:
            while len(self._hosts) > num_left:
                self._hosts.pop().close()
        except Exception as error:  # half closed is no state that anybody can go on from
            self._ending.fail(error)
            return _BROKEN
        self.refusal, self.phase = "", then
        _LOG.info("%s", then.value)
        return _DONE

    def _health(self) -> Health:
        level = Level.OK if self.phase is Phase.ACTIVE else Level.WARN
        if self.refusal:
            level = Level.ERROR
        said = f"{self.phase.value}: {self.refusal}" if self.refusal else self.phase.value
        return Health(part="node", level=level, message=said)

    def _serve_one_at_a_time(self) -> None:
        service = next(s for s in self.services if s.srv_type is ChangeState)
        change: Callable[[Any, Any], Any] = service.callback

        def callback(request: Any, response: Any) -> Any:
            with self._transition:
                try:
                    return change(request, response)
                except RuntimeError as error:  # rclpy's RCLError
                    wanted = request.transition.label or request.transition.id
                    _LOG.warning("transition %s refused: the node is %s", wanted, self.phase.value)
                    _LOG.debug("%s", error)
                    response.success = False
                    return response

        service.callback = callback
