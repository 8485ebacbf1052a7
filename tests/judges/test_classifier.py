"""A classifier of refusals, as a tiny random checkpoint made here."""

import pytest
import torch
from transformers import BertForSequenceClassification

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.judges import build, classifier
from pytest_unicomp.judges.question import judge_question
from tests.judges.tiny_bert import config, tokenizer


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
