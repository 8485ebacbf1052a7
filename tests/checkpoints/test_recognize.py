"""The format of a folder is told by its configuration and file names, and what cannot be evaluated here is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.checkpoints.format_table import FORMATS
from pytest_unicomp.checkpoints.recognize import recognize, require_evaluable


def folder(path: Path, config: Mapping[str, Any] | None, *files: str) -> Path:
    """Make a folder with a config.json and empty files of these names."""
    path.mkdir()
    if config is not None:
        (path / "config.json").write_text(json.dumps({"model_type": "llama", **config}))
    for name in files:
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(b"")
    return path


def quantized(method: str, **more: Any) -> dict[str, Any]:
    return {"quantization_config": {"quant_method": method, **more}}


GPTQ_WORDS = {"packing_format": "auto_round:auto_gptq", "bits": 4, "group_size": 128, "sym": True}
FOLDERS: dict[str, tuple[Mapping[str, Any] | None, tuple[str, ...], str]] = {
    "dense": ({}, ("model.safetensors",), "none"),
    **{name: (quantized(name), ("model.safetensors",), name) for name in FORMATS if FORMATS[name].recognized.startswith('`"quant_method')},
    "auto_round:auto_gptq": (quantized("auto-round", **GPTQ_WORDS), ("model.safetensors",), "gptq"),
    "MLX": ({"quantization": {"bits": 4, "group_size": 64}}, ("model.safetensors",), "mlx"),
    "MLX with both keys": ({"quantization": {"bits": 4}, "quantization_config": {"bits": 4}}, ("model.safetensors",), "mlx"),
    "ONNX": ({}, ("model.onnx",), "onnx"),
    "ONNX in a folder": ({}, ("onnx/model_q4.onnx",), "onnx"),
    "OpenVINO": ({}, ("openvino_model.xml", "openvino_model.bin"), "openvino"),
    "LoRA": (None, ("adapter_config.json", "adapter_model.safetensors"), "lora"),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_a_folder_is_recognized(tmp_path: Path, case: str) -> None:
    config, files, expected = FOLDERS[case]
    assert recognize(folder(tmp_path / "model", config, *files)) == expected


def test_modelopt_is_recognized_by_its_own_file_alone(tmp_path: Path) -> None:
    found = folder(tmp_path / "model", {}, "model.safetensors")
    (found / "hf_quant_config.json").write_text(json.dumps({"quantization": {"quant_algo": "FP8"}}))
    assert recognize(found) == "modelopt"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (quantized("exl2"), r"is EXL2, .*TabbyAPI.*--unicomp-candidate=URL\.$"),
        (quantized("exl3"), r"is EXL3, .*TabbyAPI"),
        (quantized("hqq"), r"is HQQ, which is not evaluated here; serve it: --unicomp-serve='vllm serve"),
        (quantized("aqlm"), r"is AQLM, .*vllm serve"),
        ({"quantization": {"bits": 4}}, r"is MLX, .*mlx_lm\.server"),
        (quantized("auto-round", packing_format="auto_round:mlx"), r"packed in a way of AutoRound's own; save it as auto_round:auto_gptq"),
        (quantized("newest"), r"is quantized by 'newest', which is not evaluated here; serve it"),
    ],
)
def test_what_is_not_evaluated_here_is_refused_with_what_to_type(tmp_path: Path, config: Mapping[str, Any], words: str) -> None:
    with pytest.raises(UsageProblem, match=words) as refused:
        require_evaluable(folder(tmp_path / "model", config, "model.safetensors"), "m")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if form.support == "extra"])
def test_a_format_whose_library_is_missing_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    with pytest.raises(UsageProblem, match=rf"pip install {FORMATS[name].package}, or serve it"):
        require_evaluable(folder(tmp_path / "model", quantized(name), "model.safetensors"), "m")
    monkeypatch.setattr("importlib.util.find_spec", lambda module: module)
    require_evaluable(tmp_path / "model", "m")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (("model.onnx",), "is ONNX, which is not evaluated here"),
        (("openvino_model.xml", "openvino_model.bin"), "is OpenVINO, .*lm-eval:openvino,pretrained=DIR.*ovms"),
        (("pytorch_model.bin",), "found pytorch_model.bin, a pickle, which is never read"),
    ],
)
@pytest.mark.parametrize("config", [{}, None], ids=["with config.json", "without"])
def test_weights_in_other_files_are_named_before_anything_is_loaded(
    tmp_path: Path, config: Mapping[str, Any] | None, files: tuple[str, ...], words: str
) -> None:
    with pytest.raises(UsageProblem, match=words):
        hub.validate(str(folder(tmp_path / "model", config, *files)), None)


def test_every_row_says_what_to_type() -> None:
    assert all(form.action and form.title and form.recognized for form in FORMATS.values())
    assert all(form.package and form.module for form in FORMATS.values() if form.support == "extra")
