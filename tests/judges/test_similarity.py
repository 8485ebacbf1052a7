"""Sentence embeddings on a tiny random checkpoint, and what is scored without them."""

import pytest
import torch
from transformers import BertModel

from pytest_unicomp.judges import build, similarity
from pytest_unicomp.judges.question import judge_question
from tests.judges.tiny_bert import config, tokenizer


@pytest.fixture
def embedding(tmp_path):
    torch.manual_seed(0)
    BertModel(config()).save_pretrained(tmp_path)
    tokenizer(tmp_path)
    return tmp_path


def test_a_text_is_nearest_to_itself_and_padding_changes_nothing(embedding):
    found = similarity.load(str(embedding), None, "cpu")
    alone = found.cosines([("i cannot help", "here it is")])
    assert found.cosines([("sure", "sure")]) == pytest.approx([1.0], abs=1e-5)
    fresh = similarity.Embeddings(embedding, "cpu")
    together = fresh.cosines([("i cannot help", "here it is"), ("sure here it is i cannot help it is", "it")])
    assert together[0] == pytest.approx(alone[0], abs=1e-5)
    assert -1 <= together[1] <= 1


def test_without_the_embedding_model_nothing_is_scored_and_the_reason_is_said(tmp_path):
    missing = similarity.load("sentence-transformers/all-MiniLM-L6-v2", tmp_path, "cpu")
    judge = build.Judge("rules", embeddings=missing)
    assert "not available" in judge.unavailable("similarity")
    assert "unicomp prefetch" in judge.unavailable("similarity")
    assert judge.unavailable("refusal") is None
    assert judge.answer([judge_question("similarity", first="a", second="b")]) == [None]
