"""One dense pass for a whole chunk: who sees whom, and where the logits are read."""

import pytest
import torch
from torch import Tensor

from tests.learning import INSTRUCTION, SIDE, SPEC, small_agent
from wvl_models.contract.action import ActionSpec
from wvl_models.contract.errors import DataError
from wvl_models.policy.agent import PolicyAgent
from wvl_models.policy.config import PolicyConfig
from wvl_models.policy.model import OpenVLAOFT

NUM_TOKENS = 7 * SPEC.chunk_steps


def images(batch: int = 1, seed: int = 0) -> Tensor:
    return torch.rand(batch, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def logits_of(agent: PolicyAgent, pictures: Tensor | None = None) -> Tensor:
    with torch.no_grad():
        pictures = images() if pictures is None else pictures
        return agent.network(pictures, agent.prompter.ids(INSTRUCTION))


@pytest.mark.parametrize(("changed", "looking"), [(-1, 0), (0, -1), (10, 9), (9, 10)])
def test_every_action_slot_sees_every_other(changed: int, looking: int) -> None:
    agent = small_agent()
    before = logits_of(agent)
    with torch.no_grad():
        agent.network.action_queries[0, changed] += 1.0
    assert (logits_of(agent)[0, looking] - before[0, looking]).abs().max() > 1e-4


def test_the_first_action_sees_the_stop_token() -> None:
    """facts/policy_rl.md trap 5: stock transformers would silently attend causally."""
    agent = small_agent()
    before = logits_of(agent)
    with torch.no_grad():
        agent.network.language_model.model.embed_tokens.weight[2] += 1.0
    assert (logits_of(agent)[0, 0] - before[0, 0]).abs().max() > 1e-4


def test_every_slot_sees_the_picture() -> None:
    agent = small_agent()
    change = (logits_of(agent) - logits_of(agent, images(seed=1))).abs().amax(dim=(0, 2))
    assert (change > 1e-4).all()


def test_without_learned_queries_slots_differ_by_their_place_alone() -> None:
    agent = small_agent(learned_queries=False)
    assert "action_queries" not in agent.network.state_dict()
    logits = logits_of(agent)[0]
    assert (logits[5] - logits[20]).abs().max() > 1e-4


def test_a_chunk_of_24_is_decoded_in_one_pass() -> None:
    agent = small_agent(spec=ActionSpec(low=SPEC.low, high=SPEC.high, chunk_steps=24))
    passes = []
    agent.network.language_model.model.register_forward_hook(lambda *_: passes.append(1))
    assert logits_of(agent, images(3)).shape == (3, 168, 256)
    assert len(passes) == 1


def test_logits_begin_at_the_space_mark() -> None:
    """The causal shift is kept: place j is read one before placeholder j (facts 1.5)."""
    agent = small_agent()
    hidden = []
    agent.network.language_model.model.register_forward_hook(
        lambda _, __, output: hidden.append(output.last_hidden_state)
    )
    logits = logits_of(agent)
    prompt = agent.prompter.ids(INSTRUCTION)
    num_patches = agent.network.config.num_patches
    assert hidden[0].shape[1] == num_patches + len(prompt) + NUM_TOKENS + 1
    mark = num_patches + len(prompt) - 1
    head = agent.network.language_model.lm_head.weight[64:320]
    torch.testing.assert_close(logits[0, 0], hidden[0][0, mark] @ head.T)
    torch.testing.assert_close(logits[0, -1], hidden[0][0, mark + NUM_TOKENS - 1] @ head.T)


def test_action_ids_are_the_last_of_the_base_vocabulary() -> None:
    """facts/policy_rl.md trap 7: not the last 256 rows of lm_head, which are padding."""
    agent = small_agent()
    language = agent.network.config.language
    first = language.base_vocabulary - 256
    assert language.padded_vocabulary > language.base_vocabulary
    with torch.no_grad():
        full = agent.network.full_logits(images(), agent.prompter.ids(INSTRUCTION))
    assert full.shape == (1, NUM_TOKENS + 1, language.padded_vocabulary)
    torch.testing.assert_close(full[:, :-1, first : first + 256], logits_of(agent))


def test_a_batch_is_answered_like_its_rows() -> None:
    agent = small_agent()
    together = logits_of(agent, images(3))
    alone = torch.cat([logits_of(agent, row[None]) for row in images(3)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_a_prompt_without_the_space_mark_is_refused() -> None:
    agent = small_agent()
    with pytest.raises(DataError, match="space mark"):
        agent.network(images(), agent.prompter.ids(INSTRUCTION)[:-1])


def test_tiny_runs_at_its_own_size() -> None:
    config = PolicyConfig.tiny()
    prompt = torch.tensor([config.language.bos_id, 7, config.language.space_id])
    with torch.no_grad():
        assert OpenVLAOFT(config)(torch.rand(1, 3, 64, 64), prompt).shape == (1, 168, 256)
