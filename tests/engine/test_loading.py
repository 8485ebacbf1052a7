"""A checkpoint folder becomes an engine, or is refused in one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp import engine
from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.checkpoints.checks import bits
from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint
from pytest_unicomp.engine import Engine
from tests.engine.compressed_toys import compressed, unpacked
from tests.methods import tiny as checkpoints


def test_auto_computes_in_float32_on_cpu(tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "half", dtype="bfloat16")
    assert engine.load(folder, device="cpu", dtype="auto").dtype == "float32"
    assert engine.load(folder, device="cpu", dtype="bfloat16").dtype == "bfloat16"


def test_loading_prints_nothing_and_uses_no_network(tmp_path: Path, capfd: pytest.CaptureFixture[str], offline: None) -> None:
    folder = checkpoints.checkpoint(tmp_path / "model")
    capfd.readouterr()
    loaded = engine.load(folder, device="auto", dtype="auto")
    assert capfd.readouterr() == ("", "")
    assert loaded.max_length == 256


def test_a_checkpoint_that_lacks_weights_is_not_filled_with_random_ones(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = checkpoints.checkpoint(tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    lost = "model.layers.1.mlp.up_proj.weight"
    save_file({name: tensor for name, tensor in weights.items() if name != lost}, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InfrastructureError, match=r"lacks 1 weights.*layers\.1\.mlp\.up_proj"):
        engine.load(folder, device="cpu", dtype="auto")


def rewrite(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Replace the tensors of a checkpoint of one file by what `change` makes of them."""
    from safetensors.torch import load_file, save_file

    save_file(change(load_file(folder / "model.safetensors")), folder / "model.safetensors", metadata={"format": "pt"})


def with_float8_weights(weights: dict[str, Any]) -> dict[str, Any]:
    """Store the layers' weights as ModelOpt's FP8 export does: float8 codes, and beside them their scale per tensor."""
    import torch

    made = {}
    for name, weight in weights.items():
        if name.endswith("_proj.weight"):
            scale = weight.abs().max().float() / 448
            made |= {
                name: (weight / scale).to(torch.float8_e4m3fn),
                f"{name}_scale": scale,
                name.replace("weight", "input_scale"): scale.clone(),
            }
        else:
            made[name] = weight
    return made


@pytest.mark.parametrize("dtype", ["bfloat16", "auto"])
def test_scales_that_no_declaration_names_are_not_passed_over(tmp_path: Path, dtype: str) -> None:
    """Both ways of loading: "auto" on CPU converts tensor by tensor, and bfloat16 lets transformers read the folder."""
    folder = checkpoints.checkpoint(tmp_path / "model", dtype="bfloat16")
    rewrite(folder, with_float8_weights)
    with pytest.raises(
        InfrastructureError, match=r"holds 28 tensors that loading did not use \(first: model\.layers\.0\.mlp\.down_proj\.input_scale"
    ):
        engine.load(folder, device="cpu", dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_stored_tensor_that_the_architecture_does_not_have_is_not_passed_over(tmp_path: Path, dtype: str) -> None:
    import torch

    folder = checkpoints.checkpoint(tmp_path / "model")
    rewrite(folder, lambda weights: weights | {"model.layers.0.self_attn.q_proj.bias": torch.ones(128)})
    with pytest.raises(InfrastructureError, match=r"holds 1 tensors .*\(first: model\.layers\.0\.self_attn\.q_proj\.bias\)"):
        engine.load(folder, device="cpu", dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_buffers_of_old_gpt_neox_checkpoints_and_a_tied_head_stored_twice_are_harmless(tmp_path: Path, dtype: str) -> None:
    import torch

    neox = checkpoints.checkpoint(tmp_path / "neox", "gpt_neox")
    tied = checkpoints.checkpoint(tmp_path / "tied")
    tokens = torch.arange(4, 12)[None]
    plain = [engine.load(folder, device="cpu", dtype=dtype).model(tokens).logits for folder in (neox, tied)]
    old = {"attention.bias": torch.ones(1, 1, 8, 8, dtype=torch.bool), "attention.masked_bias": torch.tensor(-1e9)}
    old |= {"attention.rotary_emb.inv_freq": torch.ones(4)}
    rewrite(neox, lambda weights: weights | {f"gpt_neox.layers.0.{name}": tensor for name, tensor in old.items()})
    rewrite(tied, lambda weights: weights | {"lm_head.weight": weights["model.embed_tokens.weight"].clone()})
    extended = [engine.load(folder, device="cpu", dtype=dtype).model(tokens).logits for folder in (neox, tied)]
    assert all(torch.equal(before, after) for before, after in zip(plain, extended, strict=True))


def test_a_folder_without_config_or_an_unknown_dtype_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"has no config\.json"):
        engine.load(tmp_path, device="cpu", dtype="auto")
    with pytest.raises(UsageProblem, match=r"dtype is 'int4'; expected one of auto"):
        engine.load(tmp_path, device="cpu", dtype="int4")


def test_packed_weights_are_dequantized_and_leave_no_wrapper(tmp_path: Path) -> None:
    import torch

    source = checkpoints.checkpoint(tmp_path / "model")
    packed = checkpoints.run("rtn-w4a16", source, tmp_path / "packed")
    loaded = engine.load(packed, device="cpu", dtype="auto")
    projection = loaded.model.model.layers[0].mlp.up_proj
    assert projection.weight.dtype == torch.float32
    assert type(projection._parameters) is dict
    rows = projection.weight[:, :128]
    assert max(len(row.unique()) for row in rows) <= 16
    tokens = torch.arange(3, 60)[None]
    with torch.inference_mode():
        torch.testing.assert_close(loaded.model(tokens).logits, checkpoints.load(packed)(tokens).logits, rtol=1e-4, atol=1e-4)


def test_a_head_that_is_stored_under_another_name_is_computed_in_the_type_of_the_rest(tmp_path: Path) -> None:
    import torch

    source = checkpoints.checkpoint(tmp_path / "model", "gpt_neox", dtype="bfloat16", tie_word_embeddings=False)
    packed = checkpoints.run("rtn-w8a16", source, tmp_path / "packed")
    loaded = engine.load(packed, device="cpu", dtype="auto")
    assert {parameter.dtype for parameter in loaded.model.parameters() if parameter.is_floating_point()} == {torch.float32}
    with torch.inference_mode():
        assert loaded.model(torch.arange(3, 60)[None]).logits.isfinite().all()


PRESETS = [
    *(f"W{bits}A{inputs}" for bits in (2, 3, 4) for inputs in (4, 8, 16)),
    *(f"W{bits}A{inputs}" for bits in (5, 6, 7) for inputs in (8, 16)),
    *("W8A16", "W8A8", "INT8", "W4A16_ASYM", "W4AFP8", "FP8", "FP8_DYNAMIC", "FP8_BLOCK"),
    *("NVFP4A16", "NVFP4", "MXFP4A16", "MXFP4", "MXFP8A16", "MXFP8"),
]


def test_the_presets_below_are_all_that_the_library_has() -> None:
    from compressed_tensors.quantization.quant_scheme import PRESET_SCHEMES

    assert set(PRESETS) == set(PRESET_SCHEMES) - {"UNQUANTIZED"}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_of_compressed_tensors_is_unpacked_to_the_weights_that_it_rounds(tmp_path: Path, preset: str) -> None:
    import torch
    from compressed_tensors.quantization.quant_scheme import PRESET_SCHEMES

    source = checkpoints.checkpoint(tmp_path / "model", layers=1, dtype="bfloat16")
    folder = compressed(source, tmp_path / "packed", preset)
    dense = engine.load(source, device="cpu", dtype="auto").model
    model = engine.load(folder, device="cpu", dtype="auto").model
    scheme = PRESET_SCHEMES[preset]
    for name in ("mlp.down_proj", "self_attn.q_proj"):
        layer, before = (found.model.layers[0].get_submodule(name) for found in (model, dense))
        assert layer.weight.dtype == torch.float32
        # An integer's step is the range over its codes; a float's widest step is 2 of 6 (four bits) or 32 of 448.
        step = (
            {4: 1 / 3, 8: 1 / 14}[scheme["weights"].num_bits]
            if scheme["weights"].type == "float"
            else 2 ** (2 - scheme["weights"].num_bits)
        )
        assert float((layer.weight - before.weight).detach().abs().max()) <= 0.6 * step * float(before.weight.abs().max())
        assert ("forward" in vars(layer)) == (scheme.get("input_activations") is not None)
    for check in (bits.declared_bits, bits.bits_per_weight):
        found = check(Checkpoint(folder), Checkpoint(source))
        assert found.status == "pass", found.found
    with torch.inference_mode():
        assert model(torch.arange(3, 60)[None]).logits.isfinite().all()


@pytest.mark.parametrize("preset", ["W4A16_ASYM", "NVFP4A16", "MXFP4A16"])
def test_packed_weights_score_as_the_same_weights_unpacked(tmp_path: Path, preset: str) -> None:
    import torch

    folder = compressed(checkpoints.checkpoint(tmp_path / "model", dtype="bfloat16"), tmp_path / "packed", preset)
    dense = engine.load(unpacked(folder, tmp_path / "dense"), device="cpu", dtype="float32").model
    tokens = torch.arange(3, 60)[None]
    with torch.inference_mode():
        given = engine.load(folder, device="cpu", dtype="auto").model(tokens).logits.log_softmax(-1)
        # The converter rounds to bfloat16, which loading in float32 does not.
        torch.testing.assert_close(given, dense(tokens).logits.log_softmax(-1), rtol=0.01, atol=0.1)


@pytest.mark.parametrize("lost", ["weight_packed", "weight_scale", "weight_shape"])
def test_a_tensor_that_unpacking_needs_and_the_files_lack_is_named(tmp_path: Path, lost: str) -> None:
    packed = checkpoints.run("rtn-w4a16", checkpoints.checkpoint(tmp_path / "model"), tmp_path / "packed")
    name = f"model.layers.1.mlp.up_proj.{lost}"
    rewrite(packed, lambda weights: {each: tensor for each, tensor in weights.items() if each != name})
    with pytest.raises(InfrastructureError, match=rf"lacks 1 weights .*\(first: {re.escape(name)}\)"):
        engine.load(packed, device="cpu", dtype="auto")


def test_a_layer_that_was_left_dense_is_named_before_anything_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """compressed-tensors would unpack memory that nothing was read into, which fails in some runs and gives numbers in others."""
    from compressed_tensors.compressors import ModelCompressor

    monkeypatch.setattr(ModelCompressor, "decompress_model", lambda *_: pytest.fail("it unpacked what it had not read"))
    packed = checkpoints.run("rtn-w4a16", checkpoints.checkpoint(tmp_path / "model"), tmp_path / "packed")

    def left_out(weights: dict[str, Any]) -> dict[str, Any]:
        import torch

        kept = {name: tensor for name, tensor in weights.items() if ".o_proj." not in name}
        return kept | {f"model.layers.{layer}.self_attn.o_proj.weight": torch.ones(128, 128) for layer in (0, 1)}

    rewrite(packed, left_out)
    with pytest.raises(InfrastructureError, match=r"lacks .*model\.layers\.0\.self_attn\.o_proj"):
        engine.load(packed, device="cpu", dtype="auto")


def test_batches_shrink_with_length_only_if_every_position_is_scored(tiny: Engine) -> None:
    short, long = tiny.batch_size(10, logits_everywhere=True), tiny.batch_size(8192, logits_everywhere=True)
    assert short == 64
    assert 1 <= long <= short
    assert long * 8192 * 259 * 8 <= 2**30
    assert tiny.batch_size(8192, logits_everywhere=False) == 64


def test_a_sharded_model_uses_a_device_map_and_has_the_same_logits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The map of a machine without GPUs has one place, so the call is watched: who places the model, and that nothing moves it afterwards."""
    import torch
    from transformers import AutoModelForCausalLM

    folder = checkpoints.checkpoint(tmp_path / "model")
    plain = engine.load(folder, device="cpu", dtype="float32")
    asked: list[Any] = []
    loading = AutoModelForCausalLM.from_pretrained

    def watched(*words: Any, **settings: Any) -> Any:
        asked.append(settings.get("device_map"))
        return loading(*words, **settings)

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", watched)
    spread = engine.load(folder, device="cpu", dtype="float32", sharded=True)
    engine.load(folder, device="cpu", dtype="float32")
    assert asked == ["auto", None]
    tokens = torch.tensor([[5, 6, 7, 8]])
    with torch.inference_mode():
        assert torch.equal(spread.model(tokens).logits, plain.model(tokens).logits)


def test_a_quantized_kv_cache_is_quantized_when_requests_are_scored(tmp_path: Path) -> None:
    import torch

    source = checkpoints.checkpoint(tmp_path / "model", layers=2)
    made = engine.load(checkpoints.run("fp8-kv", source, tmp_path / "out", checkpoints.calibration()), device="cpu", dtype="float32")
    ids = torch.tensor([[*range(3, 60)]])
    with torch.inference_mode():
        plain = engine.load(source, device="cpu", dtype="float32").model(input_ids=ids).logits.log_softmax(-1)
        expected = checkpoints.load(tmp_path / "out")(input_ids=ids).logits.log_softmax(-1)
    requests = [(("", ""), ids[0, :at].tolist(), ids[0, at : at + 3].tolist()) for at in (20, 20, 30, 40, 41)]
    scored = made.lm._loglikelihood_tokens(requests, disable_tqdm=True)
    for (_, context, continuation), (found, _) in zip(requests, scored, strict=True):
        places = range(len(context) - 1, len(context) - 1 + len(continuation))
        wanted, without = (
            sum(float(table[0, place, token]) for place, token in zip(places, continuation, strict=True)) for table in (expected, plain)
        )
        assert found == pytest.approx(wanted, abs=2e-3)
        assert abs(found - wanted) < abs(found - without)


def test_a_sharded_quantized_checkpoint_is_distributed_again_once_it_is_unpacked(tmp_path: Path) -> None:
    """Unpacking removes accelerate's hooks; without new ones nothing moves activations from one GPU to the next."""
    import torch

    folder = compressed(checkpoints.checkpoint(tmp_path / "model"), tmp_path / "packed", "W4A16")
    sharded = engine.load(folder, device="cpu", dtype="float32", sharded=True).model
    plain = engine.load(folder, device="cpu", dtype="float32").model
    assert all(hasattr(module, "_hf_hook") for module in (sharded, *sharded.model.layers))
    tokens = torch.arange(4, 12)[None]
    assert torch.equal(sharded(tokens).logits, plain(tokens).logits)
