"""GRPO on imagined rollouts; knows policy and world model by protocol only."""
