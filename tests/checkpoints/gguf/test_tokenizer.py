from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints import gguf
from pytest_unicomp.checkpoints.gguf import GgufFile, tokenizer
from pytest_unicomp.checkpoints.hub import NANO
from tests.checkpoints.gguf import gguf_toys

TEXTS = ("What is 123 + 45?", "Hello  world\n\n\tthe end", "日本語 русский 🙂", "<|user|>Hi<|end|> there", "it's we'll I'd", "")


def sentencepiece(pieces: list[tuple[str, float, int]], **stated: object) -> GgufFile:
    """A file without tensors whose vocabulary holds `pieces` as (text, score, type)."""
    tokens, scores, kinds = zip(*pieces, strict=True)
    metadata = {
        "general.architecture": "llama",
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": list(tokens),
        "tokenizer.ggml.scores": list(scores),
        "tokenizer.ggml.token_type": list(kinds),
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.ggml.add_space_prefix": False,
        **stated,
    }
    return GgufFile(Path("toy.gguf"), metadata, {})


SPECIAL = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)]
BYTES = [(f"<0x{byte:02X}>", 0.0, 6) for byte in range(256)]
LETTERS = [(letter, -100.0, 1) for letter in "abc▁"]


def greedy(text: str, pieces: dict[str, float]) -> list[str]:
    """SentencePiece's own way: join the neighbours whose union has the best score, the leftmost first, until none is a piece."""
    symbols = list(text.replace(" ", "▁"))
    while True:
        joined = [(-pieces[a + b], place) for place, (a, b) in enumerate(itertools.pairwise(symbols)) if a + b in pieces]
        if not joined:
            return symbols
        _, place = min(joined)
        symbols[place : place + 2] = [symbols[place] + symbols[place + 1]]


@given(
    st.dictionaries(st.text("abc▁", min_size=2, max_size=5), st.integers(-99, -1), max_size=12),
    st.text("abc ", max_size=12),
)
def test_pieces_are_joined_by_their_scores_as_sentencepiece_joins_them(words, text):
    # Each piece has a score of its own, as vocabularies of that kind have.
    scores = {word: float(score) - place / 100 for place, (word, score) in enumerate(words.items())}
    made = tokenizer.built(sentencepiece([*SPECIAL, *BYTES, *LETTERS, *((word, score, 1) for word, score in scores.items())]))
    assert made.encode(text, add_special_tokens=False).tokens == greedy(text, scores)


def test_characters_that_are_no_piece_become_bytes():
    made = tokenizer.built(sentencepiece([*SPECIAL, *BYTES, *LETTERS]))
    encoded = made.encode("aé", add_special_tokens=False)
    assert encoded.tokens == ["a", "<0xC3>", "<0xA9>"]
    assert made.decode(encoded.ids) == "aé"


def test_user_defined_pieces_are_found_before_anything_is_joined():
    made = tokenizer.built(sentencepiece([*SPECIAL, *BYTES, *LETTERS, ("ab", -1.0, 1), ("bca", -2.0, 4)]))
    assert made.encode("abcab", add_special_tokens=False).tokens == ["a", "bca", "b"]


@pytest.mark.parametrize(("begins", "ends"), [(True, False), (False, True), (True, True), (False, False)])
def test_begin_and_end_tokens_are_added_as_the_file_says(begins, ends):
    file = sentencepiece([*SPECIAL, *BYTES, *LETTERS], **{"tokenizer.ggml.add_bos_token": begins, "tokenizer.ggml.add_eos_token": ends})
    assert tokenizer.built(file).encode("a").tokens == [*(["<s>"] if begins else []), "a", *(["</s>"] if ends else [])]


def test_a_byte_level_vocabulary_encodes_as_the_tokenizer_that_it_was_written_from(tmp_path):
    file = gguf.read(gguf_toys.write(NANO, tmp_path / "nano.gguf"))
    (tmp_path / "made").mkdir()
    tokenizer.save(file, tmp_path / "made")
    mine, theirs = AutoTokenizer.from_pretrained(tmp_path / "made"), AutoTokenizer.from_pretrained(NANO)
    for text in TEXTS:
        assert mine(text)["input_ids"] == theirs(text)["input_ids"], text
        assert mine.decode(mine(text)["input_ids"]) == text
    chat = [{"role": "user", "content": "Hi"}]
    assert mine.apply_chat_template(chat, tokenize=False) == theirs.apply_chat_template(chat, tokenize=False)
    assert (mine.bos_token, mine.eos_token, mine.pad_token) == (theirs.bos_token, theirs.eos_token, theirs.pad_token)


def test_the_files_own_end_token_counts_and_the_end_of_a_turn_too(tmp_path):
    path = gguf_toys.write(NANO, tmp_path / "nano.gguf", stated={"tokenizer.eos": 0}, change=lambda writer: writer.add_eot_token_id(5))
    assert tokenizer.end_tokens(gguf.read(path)) == [0, 5]
    assert tokenizer.special_tokens(gguf.read(path))["eos_token"] == "<|pad|>"


@pytest.mark.parametrize(
    ("stated", "found"),
    [({"tokenizer.model": "t5"}, "of kind 't5'"), ({"tokenizer.pre": "some-new-model"}, "splits text by 'some-new-model'")],
)
def test_a_vocabulary_that_is_not_understood_is_refused_with_the_way_out(tmp_path, stated, found):
    file = gguf.read(gguf_toys.write(NANO, tmp_path / "nano.gguf", stated=stated))
    with pytest.raises(UsageProblem, match=f"{found}.*--unicomp-model"):
        tokenizer.require_buildable(file)
