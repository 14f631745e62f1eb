"""A policy process that thinks for as long as the test says."""

from collections.abc import Callable

from tests.fakes.clock import FakeClock
from wvl_models.contract.chunk import ActionChunk
from wvl_models.contract.observation import Observation
from wvl_models.contract.rotation import F64

Brain = Callable[[Observation], F64]


class FakeDecider:
    """A `Decider`: the answer to `ask` is there `delay_ns` later; a new question supersedes it."""

    def __init__(
        self,
        clock: FakeClock,
        brain: Brain,
        *,
        delay_ns: int = 0,
        policy_version: str = "v0001",
        period_ns: int = 100_000_000,
        lifetime_ns: int | None = None,
    ) -> None:
        self._clock, self._brain, self._period_ns = clock, brain, period_ns
        self._lifetime_ns = lifetime_ns
        self.delay_ns, self.policy_version = delay_ns, policy_version
        self.is_dead = False
        self.asked: list[Observation] = []
        self._answer: tuple[int, ActionChunk] | None = None

    def ask(self, observation: Observation) -> None:
        self.asked.append(observation)
        if self.is_dead:
            return
        actions = self._brain(observation)
        lifetime_ns = self._lifetime_ns or (len(actions) + 10) * self._period_ns
        chunk = ActionChunk(
            observation_stamp_ns=observation.stamp_ns,
            period_ns=self._period_ns,
            expires_ns=observation.stamp_ns + lifetime_ns,
            policy_version=self.policy_version,
            sequence=len(self.asked),
            start=observation.target,
            actions=actions,
        )
        self._answer = (self._clock.now_ns() + self.delay_ns, chunk)

    def answer(self) -> ActionChunk | None:
        if self._answer is None or self._clock.now_ns() < self._answer[0]:
            return None
        (_, chunk), self._answer = self._answer, None
        return chunk
