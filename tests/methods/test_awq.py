from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from pytest_unicomp.engine.quiet_libraries import quiet_with_captured_output
from pytest_unicomp.methods import pinning
from pytest_unicomp.methods.autoawq import AutoAwq, cut
from pytest_unicomp.methods.awq import Awq
from pytest_unicomp.methods.pinning import no_pinning_without_accelerator
from pytest_unicomp.methods.tokens import encode
from tests.methods.tiny import calibration, checkpoint, contents, load, run


@pytest.fixture(scope="module")
def outliers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama with four strong inputs per norm, which plain rounding to 4 bits serves badly."""
    folder = checkpoint(tmp_path_factory.mktemp("outliers") / "model")
    model = load(folder)
    with torch.no_grad():
        for layer in model.model.layers:
            for norm in (layer.input_layernorm, layer.post_attention_layernorm):
                norm.weight[[3, 40, 77, 101]] = 12.0
    model.save_pretrained(folder)
    return folder


def error(folder: Path, source: Path) -> float:
    """Mean squared difference of the logits on the calibration text."""
    ids = torch.cat(encode(source, calibration(documents=16), recipe="test"))
    with torch.inference_mode():
        return float((load(folder)(input_ids=ids).logits - load(source)(input_ids=ids).logits).pow(2).mean())


@pytest.mark.parametrize("recipe", ["awq-w4a16", "autoawq-w4a16"])
def test_both_implementations_serve_strong_inputs_better_than_plain_rounding(recipe: str, outliers: Path, tmp_path: Path) -> None:
    rounded = error(run("rtn-w4a16", outliers, tmp_path / "rtn"), outliers)
    scaled = error(run(recipe, outliers, tmp_path / "out", calibration(documents=16)), outliers)
    assert scaled < 0.6 * rounded


@pytest.mark.parametrize("recipe", ["awq-w4a16", "autoawq-w4a16", "smoothquant-w8a8", "sparsegpt-50", "sparsegpt-2of4-fp8", "fp8-dynamic"])
def test_the_same_data_and_seed_give_the_same_files_twice(recipe: str, llama: Path, tmp_path: Path) -> None:
    first, second = (contents(run(recipe, llama, tmp_path / name, calibration())) for name in ("first", "second"))
    assert first == second


def test_pinning_is_left_out_only_within_the_block_even_where_it_raises() -> None:
    with quiet_with_captured_output():
        from llmcompressor.pipelines.cache import IntermediatesCache
    original = IntermediatesCache.pin_memory
    with no_pinning_without_accelerator():
        assert (IntermediatesCache.pin_memory is original) == torch.accelerator.is_available()
    with pytest.raises(KeyError), no_pinning_without_accelerator():
        raise KeyError
    assert IntermediatesCache.pin_memory is original


def test_another_release_of_the_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with quiet_with_captured_output():
        from llmcompressor.pipelines.cache import IntermediatesCache
    original = IntermediatesCache.pin_memory
    monkeypatch.setattr(pinning, "version", lambda package: "0.15.0")
    with no_pinning_without_accelerator():
        assert IntermediatesCache.pin_memory is original


def test_documents_longer_than_autoawq_s_limit_are_cut_instead_of_dropped(llama: Path, tmp_path: Path) -> None:
    documents = encode(llama, calibration(documents=5, tokens=90), recipe="test")
    assert [len(ids) for ids in cut(documents, 64)] == [64] * 5
    folder = run(AutoAwq(sequence=64), llama, tmp_path / "out", calibration(documents=5, tokens=90))
    assert json.loads((folder / "config.json").read_text())["quantization_config"]["quant_method"] == "compressed-tensors"


def test_autoawq_s_checkpoint_keeps_the_configuration_of_the_reference(llama: Path, tmp_path: Path) -> None:
    before = json.loads((llama / "config.json").read_text())
    after = json.loads((run("autoawq-w4a16", llama, tmp_path / "out", calibration()) / "config.json").read_text())
    assert {key: after[key] for key in before} == before
    assert set(after) - set(before) == {"quantization_config"}


def test_autoawq_changes_only_scales_while_it_searches_for_them(outliers: Path) -> None:
    from pytest_unicomp.methods.autoawq import quantizer

    with quiet_with_captured_output():
        from awq import AutoAWQForCausalLM
        from transformers import AutoTokenizer

        wrapped = AutoAWQForCausalLM.from_pretrained(str(outliers), trust_remote_code=False, torch_dtype="auto")
        ids = [document[0].tolist() for document in encode(outliers, calibration(), recipe="test")]
        wrapped.quantize(
            AutoTokenizer.from_pretrained(outliers),
            quant_config={"zero_point": True, "q_group_size": 128, "w_bit": 4, "version": "GEMM"},
            calib_data=ids,
            max_calib_seq_len=64,
            export_compatible=True,
            apply_clip=False,
            quantizer_cls=quantizer(),
        )
    given = torch.tensor(ids)
    with torch.inference_mode():
        torch.testing.assert_close(wrapped.model(given).logits, load(outliers)(given).logits, rtol=1e-3, atol=1e-3)


def test_experts_are_quantized_without_zero_points_and_load_about_as_well_as_rounded_ones(tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "moe", "qwen3_moe")
    folder = run("awq-w4a16", source, tmp_path / "out", calibration())
    (scheme,) = json.loads((folder / "config.json").read_text())["quantization_config"]["config_groups"].values()
    assert scheme["weights"]["symmetric"] is True
    assert Awq().for_model(json.loads((source / "config.json").read_text())).settings()["symmetric"] is True
    assert "symmetric" not in Awq().settings()
    rounded = error(run("rtn-w4a16", source, tmp_path / "rtn"), source)
    assert error(folder, source) < 1.5 * rounded
