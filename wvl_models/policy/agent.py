"""The policy as others use it: network, text tokenizer, action ranges and view in one object.

Implements `contract.Policy` for the robot (numpy, greedy) and `rl.protocols.TrainablePolicy` for
imagination (torch). Checkpoints save and load this.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from wvl_models.contract.action import ACTION_DIM, ActionSpec
from wvl_models.contract.camera import Intrinsics, View
from wvl_models.contract.observation import U8, Observation
from wvl_models.contract.rotation import F64
from wvl_models.policy.action_tokens import from_classes
from wvl_models.policy.model import OpenVLAOFT
from wvl_models.policy.preprocess import to_images
from wvl_models.policy.prompt import Prompter
from wvl_models.rl.sampling import draw_uniforms, sample_classes

EXPLORATION_CORRELATION = 0.95
"""Time correlation of drawn chunks (facts/toy_loop.md section 2); see `rl.sampling`."""


class PolicyAgent(nn.Module):
    """See the module docstring."""

    def __init__(
        self, network: OpenVLAOFT, prompter: Prompter, spec: ActionSpec, view: View
    ) -> None:
        super().__init__()
        self.network, self.prompter = network, prompter
        self.spec, self.view = spec, view

    @property
    def module(self) -> nn.Module:
        """The network."""
        return self.network

    def token_logits(self, frames: U8, instruction: str) -> Tensor:
        """Logits [B, K*A, 256] for frames uint8 [B, H, W, 3] of this policy's view."""
        device = next(self.network.parameters()).device
        images = to_images(frames, self.network.config).to(device)
        return self.network(images, self.prompter.ids(instruction).to(device))

    def actions(self, classes: Tensor) -> F64:
        """Denormalised actions [B, K, 7] of class indices [B, K*A]."""
        normalised = from_classes(classes.cpu().numpy())
        return self.spec.denormalise(normalised.reshape(len(classes), -1, ACTION_DIM))

    def exploring(self, temperature: float, seed: int) -> "SampledPolicy":
        """The same policy with actions drawn as in imagined RL: what practice will try."""
        return SampledPolicy(self, temperature, seed)

    @torch.no_grad()
    def act(self, observations: Sequence[Observation], camera: Intrinsics) -> F64:
        """Greedy action chunks [N, K, 7]; observations of one instruction share a pass."""
        chunks = np.empty((len(observations), self.spec.chunk_steps, ACTION_DIM))
        for instruction in dict.fromkeys(o.instruction for o in observations):
            rows = [i for i, o in enumerate(observations) if o.instruction == instruction]
            frames = np.stack([observations[i].frame.rgb for i in rows])
            logits = self.token_logits(self.view.through(frames, camera), instruction)
            chunks[rows] = self.actions(logits.argmax(dim=-1))
        return chunks


class SampledPolicy:
    """A `contract.Policy` that draws its tokens as `rl.sampling` does."""

    def __init__(self, agent: PolicyAgent, temperature: float, seed: int) -> None:
        self._agent, self._temperature = agent, temperature
        self._generator = torch.Generator().manual_seed(seed)

    @property
    def spec(self) -> ActionSpec:
        """Ranges of the actions."""
        return self._agent.spec

    @torch.no_grad()
    def act(self, observations: Sequence[Observation], camera: Intrinsics) -> F64:
        """Drawn action chunks [N, K, 7]."""
        chunks = []
        for observation in observations:
            frame = self._agent.view.through(observation.frame.rgb[None], camera)
            logits = self._agent.token_logits(frame, observation.instruction)
            uniforms = draw_uniforms(
                1, self.spec.chunk_steps, EXPLORATION_CORRELATION, self._generator
            )
            classes = sample_classes(logits, uniforms, self._temperature)
            chunks.append(self._agent.actions(classes)[0])
        return np.stack(chunks)
