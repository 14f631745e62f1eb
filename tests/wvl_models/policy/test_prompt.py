"""Instructions to ids."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from tests.learning import INSTRUCTION, small_policy_config
from wvl_models.contract.errors import CheckpointError, DataError
from wvl_models.policy.prompt import TOKENIZER_FILE, Prompter

CONFIG = small_policy_config().language


@pytest.fixture
def prompter() -> Prompter:
    return Prompter.for_instructions([INSTRUCTION, "lift the cube"], CONFIG)


def test_a_prompt_is_openvlas_sentence(prompter: Prompter, tmp_path: Path) -> None:
    prompter.save(tmp_path)
    words = Tokenizer.from_file(str(tmp_path / TOKENIZER_FILE)).decode(
        prompter.ids("lift the cube")[1:-1].tolist(), skip_special_tokens=False
    )
    assert words == "in : what action should the robot take to lift the cube ? out :"


def test_a_prompt_begins_with_bos_and_ends_in_one_space_mark(prompter: Prompter) -> None:
    ids = prompter.ids(INSTRUCTION).tolist()
    assert ids[0] == CONFIG.bos_id
    assert ids[-1] == CONFIG.space_id
    assert ids.count(CONFIG.bos_id) == ids.count(CONFIG.space_id) == 1


def test_case_and_outer_blanks_do_not_matter(prompter: Prompter) -> None:
    assert prompter.ids("  Lift THE cube ").tolist() == prompter.ids("lift the cube").tolist()


def test_word_ids_stay_clear_of_the_action_ids(prompter: Prompter) -> None:
    assert prompter.ids(INSTRUCTION).max() < CONFIG.first_action_id


def test_an_unseen_word_is_refused_by_name(prompter: Prompter) -> None:
    with pytest.raises(DataError, match=r"never seen.*mug"):
        prompter.ids("lift the mug")


def test_a_saved_tokenizer_says_the_same(prompter: Prompter, tmp_path: Path) -> None:
    prompter.save(tmp_path)
    loaded = Prompter.load(tmp_path, CONFIG)
    assert loaded.ids(INSTRUCTION).tolist() == prompter.ids(INSTRUCTION).tolist()


@pytest.mark.parametrize("text", [None, "", "{}", "\x80"])
def test_a_missing_or_damaged_tokenizer_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / TOKENIZER_FILE).write_text(text)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json") as caught:
        Prompter.load(tmp_path, CONFIG)
    assert "\n" not in str(caught.value)
