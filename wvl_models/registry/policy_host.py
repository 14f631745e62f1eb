"""PolicyHost: serves the current policy and swaps in a new one without missing a tick.

`offer` verifies, loads and tries a candidate aside, on whichever thread calls it; `act` switches
to an accepted candidate at its own next call, which is a chunk boundary. A candidate that fails
any step raises and never takes a tick; the old policy keeps serving.
"""

import threading
from dataclasses import dataclass

from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.chunk import ActionChunk
from wvl_models.contract.errors import CheckpointError
from wvl_models.contract.observation import Observation
from wvl_models.contract.policy import Policy
from wvl_models.registry.canary import check_canary
from wvl_models.registry.factories import loader
from wvl_models.registry.registry import Registry


@dataclass(frozen=True, kw_only=True, slots=True)
class HostedPolicy:
    """A policy under its version."""

    version: str
    policy: Policy


class PolicyHost:
    """See the module docstring. `act` is called from one thread, `offer` from any."""

    def __init__(self, registry: Registry, camera: Intrinsics, chunk_lifetime_s: float) -> None:
        self._registry, self._camera = registry, camera
        self._lifetime_ns = round(chunk_lifetime_s * 1e9)
        self._lock = threading.Lock()
        self._serving: HostedPolicy | None = None
        self._accepted: HostedPolicy | None = None
        self._sequence = 0

    @property
    def version(self) -> str | None:
        """Version that answered last or will answer next."""
        with self._lock:
            hosted = self._accepted or self._serving
            return hosted.version if hosted else None

    def offer(self, version: str) -> HostedPolicy:
        """Verify, load and canary a version; it serves from the next `act` on.

        Raises CheckpointError, and changes nothing, where any of it fails.
        """
        folder = self._registry.verify("policy", version)
        manifest = self._registry.manifest("policy", version)
        if manifest.canary is None:
            raise CheckpointError(f"{folder} has no canary; publish it again with one.")
        policy: Policy = loader("policy", manifest.factory)(folder)
        check_canary(policy, manifest.canary, folder)
        hosted = HostedPolicy(version=version, policy=policy)
        with self._lock:
            self._accepted = hosted
        return hosted

    def act(self, observation: Observation) -> ActionChunk:
        """Answer one observation; raises CheckpointError before the first accepted offer."""
        with self._lock:
            if self._accepted is not None:
                self._serving, self._accepted = self._accepted, None
            serving = self._serving
        if serving is None:
            raise CheckpointError("no policy is being served; offer a published version first.")
        actions = serving.policy.act([observation], self._camera)[0]
        self._sequence += 1
        period_ns = serving.policy.spec.period_ns
        return ActionChunk(
            observation_stamp_ns=observation.stamp_ns,
            period_ns=period_ns,
            expires_ns=observation.stamp_ns + self._lifetime_ns,
            policy_version=serving.version,
            sequence=self._sequence,
            start=observation.target,
            actions=actions,
        )
