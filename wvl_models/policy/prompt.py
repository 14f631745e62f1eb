"""Instructions to token ids, in OpenVLA's wording (facts/policy_rl.md 1.5)."""

import re
from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from torch import Tensor

from wvl_models.contract.errors import CheckpointError, DataError
from wvl_models.policy.config import LanguageConfig

TEMPLATE = "In: What action should the robot take to {instruction}?\nOut:"
TOKENIZER_FILE = "tokenizer.json"


class Prompter:
    """Turns instructions into ids: BOS first, exactly one lone space mark last."""

    def __init__(self, tokenizer: Tokenizer, config: LanguageConfig) -> None:
        self._tokenizer, self._config = tokenizer, config
        self._unknown = tokenizer.token_to_id("<unk>")

    @classmethod
    def load(cls, folder: Path, config: LanguageConfig) -> "Prompter":
        """Read `tokenizer.json`; raises CheckpointError."""
        path = folder / TOKENIZER_FILE
        if not path.is_file():
            raise CheckpointError(f"{path} is missing; a policy needs its tokenizer.")
        try:
            return cls(Tokenizer.from_file(str(path)), config)
        except Exception as error:  # tokenizers raises nothing narrower
            raise CheckpointError(f"{path} is not a tokenizer: {error}.") from error

    @classmethod
    def for_instructions(cls, instructions: Iterable[str], config: LanguageConfig) -> "Prompter":
        """A word tokenizer that knows these instructions: what `tiny` policies use.

        Ids: 0 <unk>, 1 BOS, 2 EOS, then the space mark of the configuration, then words.
        """
        words = {"<unk>": 0, "<s>": config.bos_id, "</s>": config.eos_id, "\u2581": config.space_id}
        free = (i for i in range(config.first_action_id) if i not in set(words.values()))
        text = " ".join([TEMPLATE.format(instruction=""), *instructions]).lower()
        for word in dict.fromkeys(re.findall(r"\w+|[^\w\s]", text)):
            words.setdefault(word, next(free))
        tokenizer = Tokenizer(models.WordLevel(vocab=words, unk_token="<unk>"))
        tokenizer.normalizer = normalizers.Lowercase()
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        return cls(tokenizer, config)

    def save(self, folder: Path) -> None:
        """Write `tokenizer.json`."""
        self._tokenizer.save(str(folder / TOKENIZER_FILE))

    def ids(self, instruction: str) -> Tensor:
        """int64 [L]; raises DataError for words that this tokenizer has never seen."""
        text = TEMPLATE.format(instruction=instruction.lower().strip())
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        if self._unknown is not None and self._unknown in encoded.ids:
            strange = [t for t, i in zip(encoded.tokens, encoded.ids, strict=True) if i == 0]
            raise DataError(
                f"this policy has never seen the words of '{instruction}' ({strange}); "
                "use the instruction of a task it was trained on."
            )
        body = [i for i in encoded.ids if i != self._config.bos_id]
        if not body or body[-1] != self._config.space_id:
            body.append(self._config.space_id)
        return torch.tensor([self._config.bos_id, *body])
