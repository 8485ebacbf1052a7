"""Logits at selected positions are those of the full forward pass, and targets are scored as log_softmax scores them."""

import pytest
import torch

from pytest_unicomp.engine import lm_head
from pytest_unicomp.engine.lm_head import LMHead
from tests.engine.toy_models import model

IDS = torch.arange(1, 21).reshape(2, 10)
ROWS, COLUMNS = [0, 1, 1], [9, 3, 4]


@torch.no_grad()
@pytest.mark.parametrize(("architecture", "unmodified"), [("llama", True), ("llama", False), ("gemma2", False)])
def test_logits_at_selected_positions_are_those_of_the_full_forward_pass(architecture, unmodified):
    """Gemma 2 caps its logits after the output layer."""
    one = model(architecture)
    full = one(input_ids=IDS).logits
    head = LMHead(one, unmodified=unmodified)
    with head.at_positions(ROWS, COLUMNS):
        output = one(input_ids=IDS).logits
    assert output.shape[:2] == (1, 1 if unmodified else 3)
    torch.testing.assert_close(head.logits(output), full[ROWS, COLUMNS])
    torch.testing.assert_close(one(input_ids=IDS).logits, full)


@torch.no_grad()
@pytest.mark.parametrize("unmodified", [True, False])
def test_targets_are_scored_in_parts_as_log_softmax_scores_them(unmodified, monkeypatch):
    one = model("llama")
    expected = one(input_ids=IDS).logits[ROWS, COLUMNS].log_softmax(-1)
    likeliest = int(expected[2].argmax())
    monkeypatch.setattr(lm_head, "LOGITS_BYTES", 1)
    head = LMHead(one, unmodified=unmodified)
    with head.at_positions(ROWS, COLUMNS):
        output = one(input_ids=IDS).logits
    # Two targets of the same position, and positions in any order.
    scores = head.scores(output, [2, 0, 2], [likeliest, 5, 7])
    assert scores.log_probabilities == pytest.approx(
        [float(expected[2, likeliest]), float(expected[0, 5]), float(expected[2, 7])], abs=1e-4
    )
    assert scores.greedy == [True, int(expected[0].argmax()) == 5, likeliest == 7]


def test_a_model_without_an_output_layer_is_refused():
    with pytest.raises(ValueError, match="LlamaModel names no output layer"):
        LMHead(model("llama").model, unmodified=True)
