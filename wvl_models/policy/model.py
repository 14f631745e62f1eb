"""OpenVLA-OFT: image and instruction to 256-way logits for every action of a chunk, in one pass.

Input to the language model: [BOS][patches][rest of the prompt ... space mark][A*K placeholders]
[EOS]. Placeholders are zero vectors told apart by their position alone; attention is dense (every
token sees every token); the logits for action j are read one place before placeholder j, starting
at the space mark (facts/policy_rl.md 1.5, 1.6; read against moojink/openvla-oft @213c5ff).
Shape legend: B batch, L sequence, A*K = 168 action tokens at K = 24.
"""

import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM

from wvl_models.contract.action import ACTION_DIM
from wvl_models.contract.errors import DataError
from wvl_models.policy.config import NUM_BINS, LanguageConfig, PolicyConfig
from wvl_models.policy.vision import Projector, VisionBackbone


def llama(config: LanguageConfig) -> LlamaForCausalLM:
    """The language model, untrained, with sdpa attention."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=config.padded_vocabulary,
            hidden_size=config.width,
            intermediate_size=config.mlp_width,
            num_hidden_layers=config.num_layers,
            num_attention_heads=config.num_heads,
            num_key_value_heads=config.num_heads,
            max_position_embeddings=2048,
            rms_norm_eps=config.rms_eps,
            rope_theta=config.rope_theta,
            initializer_range=config.initial_std,
            bos_token_id=config.bos_id,
            eos_token_id=config.eos_id,
            tie_word_embeddings=False,
            attn_implementation="sdpa",
        )
    )


class OpenVLAOFT(nn.Module):
    """See the module docstring. Submodule names are those of the released checkpoints."""

    def __init__(self, config: PolicyConfig) -> None:
        super().__init__()
        self.config = config
        self.vision_backbone = VisionBackbone(config)
        self.projector = Projector(
            config.dino.width + config.siglip.width, config.projector_width, config.language.width
        )
        self.language_model = llama(config.language)
        self.action_queries = None
        if config.learned_queries:
            queries = 0.5 * torch.randn(1, self.num_action_tokens, config.language.width)
            self.action_queries = nn.Parameter(queries)

    @property
    def num_action_tokens(self) -> int:
        """A * K."""
        return ACTION_DIM * self.config.chunk_steps

    def forward(self, images: Tensor, prompt: Tensor) -> Tensor:
        """Logits over the 256 action ids, [B, A*K, 256], class order of `action_tokens`.

        Args:
            images: [B, 3, S, S] in [0, 1], preprocessed (`preprocess`).
            prompt: int64 [L], one instruction for the whole batch, so that no padding exists
                (facts/policy_rl.md trap 20).
        """
        hidden = self._hidden(images, prompt)
        first = self.config.language.first_action_id
        weight = self.language_model.lm_head.weight[first : first + NUM_BINS]
        return hidden @ weight.T

    def full_logits(self, images: Tensor, prompt: Tensor) -> Tensor:
        """Logits over the whole vocabulary, [B, A*K + 1, V], the last for the stop token."""
        hidden = self._hidden(images, prompt, num_extra=1)
        return self.language_model.lm_head(hidden)

    def _hidden(self, images: Tensor, prompt: Tensor, num_extra: int = 0) -> Tensor:
        embeddings = self._sequence(images, prompt)
        length = embeddings.shape[1]
        dense = torch.ones(1, 1, length, length, dtype=torch.bool, device=embeddings.device)
        hidden = self.language_model.model(
            inputs_embeds=embeddings,
            attention_mask=dense.expand(len(embeddings), -1, -1, -1),
            position_ids=torch.arange(length, device=embeddings.device)[None],
            use_cache=False,
        ).last_hidden_state
        start = self.config.num_patches + len(prompt) - 1
        return hidden[:, start : start + self.num_action_tokens + num_extra]

    def _sequence(self, images: Tensor, prompt: Tensor) -> Tensor:
        """[B, L, D] embeddings in the order of the module docstring."""
        if prompt[-1] != self.config.language.space_id:
            raise DataError("a prompt must end in the lone space mark; use `Prompter.ids`.")
        embed = self.language_model.model.embed_tokens
        patches = self.projector(self.vision_backbone(images))
        words = embed(prompt)[None].expand(len(images), -1, -1)
        stop = embed(prompt.new_tensor([self.config.language.eos_id]))[None]
        return torch.cat(
            [
                words[:, :1],
                patches,
                words[:, 1:],
                self._placeholders(patches),
                stop.expand(len(images), -1, -1),
            ],
            dim=1,
        )

    def _placeholders(self, patches: Tensor) -> Tensor:
        if self.action_queries is not None:
            return self.action_queries.expand(len(patches), -1, -1)
        return patches.new_zeros(len(patches), self.num_action_tokens, patches.shape[-1])
