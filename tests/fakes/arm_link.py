"""The robot process beside the session, with a line between them that can be slow or cut."""

import numpy as np

from tests.fakes.clock import FakeClock
from wvl_models.contract.observation import RobotState
from wvl_robot.core.arm_guard import ArmGuard
from wvl_robot.ports.arm_link import SetpointOrder, SetpointReceipt


class FakeArmLink:
    """An `ArmLink` to a real `ArmGuard`."""

    def __init__(
        self,
        guard: ArmGuard,
        clock: FakeClock,
        *,
        delay_ns: int = 0,
        lost_share: float = 0.0,
        seed: int = 0,
    ) -> None:
        """Orders and receipts each take `delay_ns`; `lost_share` of the receipts never come."""
        self._guard, self._clock = guard, clock
        self._rng = np.random.default_rng(seed)
        self.delay_ns, self.lost_share = delay_ns, lost_share
        self.is_cut = False
        self.orders: list[SetpointOrder] = []
        self._receipts: list[SetpointReceipt] = []
        self._state: RobotState | None = None

    def state(self) -> RobotState | None:
        if not self.is_cut:
            self._state = self._guard.read() or self._state
        return self._state

    def order(self, order: SetpointOrder) -> None:
        self.orders.append(order)
        if self.is_cut:
            return
        if self.delay_ns:
            self._clock.at(self._clock.now_ns() + self.delay_ns, lambda: self._deliver(order))
        else:
            self._deliver(order)

    def receipts(self) -> list[SetpointReceipt]:
        arrived, self._receipts = self._receipts, []
        return arrived

    def _deliver(self, order: SetpointOrder) -> None:
        receipt = self._guard.on_order(order)
        if self.lost_share and self._rng.uniform() < self.lost_share:
            return
        if self.delay_ns:
            due_ns = self._clock.now_ns() + self.delay_ns
            self._clock.at(due_ns, lambda: self._receipts.append(receipt))
        else:
            self._receipts.append(receipt)
