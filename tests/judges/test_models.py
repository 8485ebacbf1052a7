"""Judges that are models: a classifier of refusals and sentence embeddings, both as tiny random checkpoints made here."""

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizerFast

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.judges import build, classifier, similarity
from pytest_unicomp.judges.question import judge_question

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "i", "cannot", "help", "sure", "here", "it", "is"]


def tokenizer(folder):
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    made = BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=32)
    made.save_pretrained(folder)


def config(**changes):
    sizes = {"vocab_size": len(WORDS), "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    return BertConfig(**sizes, max_position_embeddings=32, **changes)


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


def test_a_classifier_says_what_its_labels_say(tmp_path):
    torch.manual_seed(1)
    model = BertForSequenceClassification(config(num_labels=2))
    # A bias decides: every reply is label 0, which is the refusal where labels have no names.
    model.classifier.bias.data = torch.tensor([50.0, -50.0])
    model.save_pretrained(tmp_path)
    tokenizer(tmp_path)
    judge = build.Judge("x", classifier=classifier.Classifier(str(tmp_path), None, "cpu"))
    assert judge.answer([judge_question("refusal", prompt="p", response="sure")] * 40) == ["refuses"] * 40
    assert classifier.refusing_labels({0: "compliance", 1: "Rejection"}) == {1}
    assert classifier.refusing_labels({0: "LABEL_0", 1: "LABEL_1"}) == {0}


def test_a_folder_without_a_classifier_is_infrastructure_trouble(tmp_path):
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(InfrastructureError, match="cannot be loaded as a sequence classifier"):
        classifier.Classifier(str(tmp_path), None, "cpu")
