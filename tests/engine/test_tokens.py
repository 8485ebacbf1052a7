"""Texts tokenized together have the tokens they have alone, on tokenizers that differ in what they do with spaces, digits and beginnings."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.engine.tokens import MIN_SHARED, encode
from tests.engine import toy_models

CORPUS = ["the other one is on the shelf\n", "a  b\tc 12345 aaaaaaaaaa, the end.\n\n", "Über den Fluß, 东京 – naïve 🙂\n"] * 3


def trained(kind):
    """A tokenizer of one of the families in use, trained on a few lines."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    if kind == "unigram":
        raw = Tokenizer(models.Unigram())
        raw.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=["<s>", "<unk>"], unk_token="<unk>")
    else:
        raw = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
        trainer = trainers.BpeTrainer(vocab_size=200, special_tokens=["<s>", "<unk>"], show_progress=False)
        if kind == "byte-level":
            raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        else:  # as in Llama 2: no words, a mark in place of each space and one before the text
            raw.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    raw.train_from_iterator(CORPUS * 4, trainer)
    raw.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=raw, bos_token="<s>", unk_token="<unk>")


@pytest.fixture(scope="module", params=["nano", "toy", "byte-level", "wordless", "unigram"])
def tokenizer(request):
    if request.param == "nano":
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(NANO)
    return toy_models.tokenizer() if request.param == "toy" else trained(request.param)


PARTS = st.sampled_from(
    ["the other", " one", "\n", "\n\n", "  ", " a", "a", "aaaaaaa", "12", "345", ".", " 东京", "🙂", "é", "\t", " shelf"]
)


@settings(max_examples=40)
@given(data=st.data(), special=st.booleans())
def test_a_shared_prefix_changes_no_token(tokenizer, data, special):
    beginning = "".join(data.draw(st.lists(PARTS, min_size=3, max_size=20)))
    beginning *= 1 + MIN_SHARED // len(beginning)
    endings = data.draw(st.lists(st.lists(PARTS, max_size=6).map("".join), min_size=3, max_size=8, unique=True))
    texts = [beginning + ending for ending in endings]
    settings_of_call = {"add_special_tokens": special}
    assert encode(tokenizer, texts, settings_of_call) == {text: tokenizer.encode(text, **settings_of_call) for text in texts}


def test_a_shared_prefix_is_tokenized_once(monkeypatch):
    tokenizer, lengths = toy_models.tokenizer(), []
    original = type(tokenizer).__call__
    monkeypatch.setattr(
        type(tokenizer),
        "__call__",
        lambda self, text, **how: lengths.extend(map(len, [text] if isinstance(text, str) else text)) or original(self, text, **how),
    )
    texts = ["the other one\n" * 100 + str(number) for number in range(20)]
    encode(tokenizer, texts, {})
    assert sum(lengths) < sum(map(len, texts)) / 4
