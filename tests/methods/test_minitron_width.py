from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from pytest_unicomp.methods.distillation_architectures import rounded
from pytest_unicomp.methods.distillation_text import Row, pack
from pytest_unicomp.methods.minitron_width import MinitronWidth
from pytest_unicomp.methods.teaching import logits
from pytest_unicomp.methods.tokens import encode
from pytest_unicomp.methods.width import Importance, importance, most_important, narrowed
from tests.methods.tiny import calibration, checkpoint, contents, load, run

SHORT = MinitronWidth(steps=4, batch=4, sequence=64, warmup=1, judged=8, multiple=32, precision="float32")
NARROWED = [
    ("llama", {}),
    ("llama", {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": False}),
    ("mistral", {"num_key_value_heads": 2}),
    ("qwen2", {}),
    ("qwen3", {"head_dim": 16, "tie_word_embeddings": False}),
]


def text(folder: Path) -> list[Row]:
    found = encode(folder, calibration(6, 48), recipe="test")
    return pack(found, [[True] * document.shape[1] for document in found], 64, 2)


def inputs(rows: list[Row]) -> dict[str, torch.Tensor]:
    return {"input_ids": torch.tensor([row.tokens for row in rows]), "position_ids": torch.tensor([row.places for row in rows])}


def disturb(model: Any) -> Any:
    """Give norms and biases values of their own: as drawn they are 1 and 0, and a forgotten one would not show."""
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "norm" in name or name.endswith("bias"):
                value.add_(0.3 * torch.randn(value.shape, generator=draw))
    return model


def test_the_importance_is_the_norm_over_the_batch_of_the_mean_over_the_sequence() -> None:
    found = Importance()
    activation = torch.tensor([[[1.0, -2.0], [-3.0, 2.0]], [[4.0, 0.0], [9.0, 9.0]]])
    found.add("tap", activation, torch.tensor([[True, True], [True, False]]))
    # Means of absolute values: (1 + 3) / 2, (2 + 2) / 2 in the first row; 4, 0 in the second, whose last token is padding.
    assert found.of("tap").tolist() == pytest.approx([(2**2 + 4**2) ** 0.5, 2.0])


def test_channels_are_ranked_as_a_network_made_by_hand_has_them(tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "model")
    model = load(source)
    live, loud = list(range(0, 128, 3)), [list(range(5, 45)), list(range(200, 240))]
    with torch.no_grad():
        idle = [channel for channel in range(128) if channel not in live]
        model.model.embed_tokens.weight[:, idle] *= 0.01
        for layer, channels in zip(model.model.layers, loud, strict=True):
            layer.self_attn.o_proj.weight[idle] *= 0.01
            layer.mlp.down_proj.weight[idle] *= 0.01
            quiet = [channel for channel in range(256) if channel not in channels]
            layer.mlp.up_proj.weight[quiet] *= 0.01
    hidden, feed_forward = importance(model, text(source))
    assert most_important(hidden, len(live)) == live
    assert [most_important(scores, 40) for scores in feed_forward] == loud


def test_of_equal_channels_the_first_stay_in_their_order() -> None:
    assert most_important(torch.tensor([1.0, 3.0, 1.0, 3.0, 1.0]), 3) == [0, 1, 3]


@pytest.mark.parametrize(
    ("architecture", "changes"), NARROWED, ids=lambda value: value if isinstance(value, str) else "-".join(value) or "plain"
)
def test_the_narrow_model_is_the_wide_one_with_the_other_channels_masked(
    architecture: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    source = checkpoint(tmp_path / "model", architecture, **changes)
    model = disturb(load(source))
    draw = torch.Generator().manual_seed(0)
    hidden = sorted(torch.randperm(128, generator=draw)[:96].tolist())
    feed_forward = [sorted(torch.randperm(256, generator=draw)[:160].tolist()) for _ in range(2)]
    narrow = narrowed(model, hidden, feed_forward)
    mask(model, hidden, feed_forward)
    rows = inputs(text(source))
    with torch.inference_mode():
        ours, theirs = logits(narrow, rows), logits(model, rows)
    assert torch.allclose(ours, theirs, atol=2e-4, rtol=1e-3)


def mask(model: Any, hidden: list[int], feed_forward: list[list[int]]) -> None:
    """Zero everything that belongs to a channel that goes, and let norms divide by the mean over the channels that stay."""
    gone = torch.ones(128, dtype=torch.bool)
    gone[hidden] = False
    with torch.no_grad():
        for name, value in model.named_parameters():
            part, kind = name.split(".")[-2:]
            if part in ("embed_tokens", "q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "lm_head") and kind == "weight":
                value[:, gone] = 0
            if part in ("o_proj", "down_proj", "input_layernorm", "post_attention_layernorm", "norm"):
                value[gone] = 0
        for layer, channels in zip(model.model.layers, feed_forward, strict=True):
            silent = torch.ones(256, dtype=torch.bool)
            silent[channels] = False
            for matrix in (layer.mlp.gate_proj, layer.mlp.up_proj):
                matrix.weight[silent] = 0
                if matrix.bias is not None:
                    matrix.bias[silent] = 0
            layer.mlp.down_proj.weight[:, silent] = 0
        # The wide norm divides by the mean over 128 channels, of which 32 are zero now.
        for name, module in model.named_modules():
            if name.rpartition(".")[2] in ("input_layernorm", "post_attention_layernorm", "norm"):
                module.weight.mul_((96 / 128) ** 0.5)
                module.variance_epsilon *= 96 / 128


def test_nothing_changes_where_every_channel_stays(llama: Path) -> None:
    model = disturb(load(llama))
    rows = inputs(text(llama))
    same = narrowed(model, range(128), [range(256)] * 2)
    with torch.inference_mode():
        assert torch.equal(logits(same, rows), logits(model, rows))


def test_the_checkpoint_is_plain_and_smaller_and_keeps_heads_and_layers(llama: Path, tmp_path: Path) -> None:
    out = run(SHORT, llama, tmp_path / "out", calibration())
    model = load(out)
    config = json.loads((out / "config.json").read_text())
    assert (config["hidden_size"], config["intermediate_size"], config["head_dim"]) == (96, 160, 32)
    assert (config["num_attention_heads"], config["num_hidden_layers"]) == (4, 2)
    assert model.model.layers[0].self_attn.q_proj.weight.shape == (128, 96)
    assert model.generate(torch.tensor([[5, 6, 7]]), max_new_tokens=2, do_sample=False).shape[1] > 3
    assert contents(run(SHORT, llama, tmp_path / "again", calibration())) == contents(out)


def test_distilling_brings_the_narrow_model_nearer_to_its_teacher(llama: Path, tmp_path: Path) -> None:
    method = MinitronWidth(steps=40, batch=4, sequence=64, warmup=2, judged=8, multiple=32, precision="float32")
    curve = [
        point["loss"]
        for point in json.loads((run(method, llama, tmp_path / "out", calibration()) / "distillation.json").read_text())["curve"]
    ]
    assert sum(curve[-5:]) < 0.6 * sum(curve[:5])


def test_sizes_of_the_paper_and_of_small_models() -> None:
    method = MinitronWidth()
    assert rounded(4096, method.hidden, 128) == 3072
    assert rounded(14336, method.feed_forward, 128) == 9216
    assert (rounded(256, method.hidden, 128), rounded(512, method.feed_forward, 128)) == (128, 384)
    assert rounded(128, 0.75, 128) == 64
    assert rounded(128, 1.0, 128) == 128


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"model_type": "opt"}, "learned vectors"),
        ({"model_type": "gpt_neox"}, "fused"),
        ({"model_type": "gemma2"}, r"1 \+ weight"),
        ({"model_type": "phi3"}, "fused"),
        ({"model_type": "qwen3_moe"}, "mixture of experts"),
        ({"model_type": "mixtral"}, "mixture of experts"),
        ({"model_type": "falcon"}, "not known to be that of llama, mistral, qwen2, qwen3"),
        ({"model_type": "llama", "quantization_config": {"quant_method": "awq"}}, "quantized already"),
    ],
)
def test_what_cannot_be_narrowed_is_refused_in_a_phrase(config: dict[str, Any], reason: str) -> None:
    found = MinitronWidth().refusal(config)
    assert found is not None
    assert re.search(reason, found)
    assert "\n" not in found


@pytest.mark.parametrize("kind", ["llama", "mistral", "qwen2", "qwen3"])
def test_what_can_be_narrowed_is_not_refused(kind: str) -> None:
    assert MinitronWidth().refusal({"model_type": kind}) is None
