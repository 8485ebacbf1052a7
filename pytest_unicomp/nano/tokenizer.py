"""Makes the tokenizer: byte-level BPE trained on the world, so that its words are short and any other text still round-trips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_unicomp.nano.dialogue import BEGIN, CHAT_TEMPLATE, END, PADDING, SPECIAL_TOKENS
from pytest_unicomp.nano.mixture import conversation
from pytest_unicomp.nano.settings import MODEL, stream

_SAMPLES = 30_000


def _texts(samples: int) -> Iterator[str]:
    random = stream("tokenizer")
    for _ in range(samples):
        drawn = conversation(random)
        yield drawn.reply
        if drawn.prompt is not None:
            yield drawn.prompt


def train_tokenizer(vocabulary: int = MODEL.vocabulary, samples: int = _SAMPLES) -> Any:
    """Return a `tokenizers.Tokenizer` with `vocabulary` entries: special tokens, 256 bytes, merges; every digit is a token of its own."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(samples), trainer)
    return tokenizer


def save_tokenizer(folder: Path, positions: int = MODEL.positions) -> None:
    """Train the tokenizer and write it to `folder` in the form that `AutoTokenizer.from_pretrained` loads."""
    from transformers import PreTrainedTokenizerFast

    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=train_tokenizer(),
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PADDING,
        additional_special_tokens=[token for token in SPECIAL_TOKENS if token not in (BEGIN, END, PADDING)],
        model_max_length=positions,
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )
    wrapped.chat_template = CHAT_TEMPLATE
    wrapped.save_pretrained(folder)
