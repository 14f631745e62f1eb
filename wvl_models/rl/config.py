"""Settings of imagined GRPO. Defaults are SimpleVLA-RL's (facts/policy_rl.md section 2), which the
paper follows; `tiny()` is what worked on two CPU cores (facts/toy_loop.md sections 3.3 and 5).
"""

from pydantic import Field

from wvl_models.contract.config import Config


class GRPOConfig(Config):
    """One RL stage."""

    num_steps: int = Field(default=50, ge=1)
    """Optimisation steps; the paper's RL "typically converges within 50"."""
    num_prompts: int = Field(default=64, ge=1)
    """Start states per step."""
    group_size: int = Field(default=8, ge=2)
    num_chunks: int = Field(default=8, ge=1)
    """Chunks per rollout; the loop sets it to the task's horizon over the chunk length."""
    num_minibatches: int = Field(default=4, ge=1)
    temperature: float = Field(default=1.6, gt=0)
    """Divides the logits at sampling and in the loss alike."""
    time_correlation: float = Field(default=0.0, ge=0, lt=1)
    """AR(1) of the sampling copula along a chunk, ours; 0 is SimpleVLA-RL's independent tokens."""
    clip_low: float = 0.2
    clip_high: float = 0.28
    learning_rate: float = 5e-6
    weight_decay: float = 1e-2
    max_grad_norm: float = 1.0
    success_threshold: float = 0.9
    """Predicted reward above this is a success (paper 4.2)."""
    keep_low: float = 0.1
    keep_high: float = 0.9
    """Groups whose mean success lies outside carry no signal and are dropped."""
    stop_success: float = 1.0
    """End the stage when imagined success (mean of the last five steps) reaches this: beyond it
    the policy exploits the model (facts/toy_loop.md pitfall 6)."""
    stop_reward: float = 1.05
    """End the stage when the mean of the rollouts' largest predicted reward exceeds this: a
    reward above 1 cannot be true, so it is a free alarm."""

    @classmethod
    def tiny(cls) -> "GRPOConfig":
        """Two cores: correlated tokens, and an end before practice detaches from the truth
        (docs/decisions/007-practice.md).
        """
        return cls(
            num_steps=30,
            num_prompts=32,
            num_chunks=2,
            num_minibatches=2,
            temperature=1.0,
            time_correlation=0.95,
            learning_rate=1.5e-4,
            stop_success=0.8,
        )
