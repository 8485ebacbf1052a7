"""Recognizes the format of a checkpoint folder, and refuses in one line what cannot be evaluated here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.registry import missing_libraries
from pytest_unicomp.checkpoints.config_json import read_config, understood
from pytest_unicomp.checkpoints.format_table import ADDRESSES, CLASSES, FORMATS, SERVE, UNTRIED, Format
from pytest_unicomp.checkpoints.formats import method
from pytest_unicomp.checkpoints.formats.gptq import quantization_of
from pytest_unicomp.checkpoints.lfs_pointer import is_pointer

ADAPTER = "adapter_config.json"
OPENVINO = "openvino_model.xml"
PICKLES = (".bin", ".pt", ".pth", ".ckpt")


def is_adapter(folder: Path) -> bool:
    """Return True if the folder holds a LoRA adapter and no model of its own."""
    return (folder / ADAPTER).is_file() and not (folder / "config.json").is_file()


def recognize(folder: Path) -> str:
    """Return the key in FORMATS of a folder's format, or the name of a quantization that is in no row; reads config.json and file names."""
    if is_adapter(folder):
        return "lora"
    if any(folder.glob("*.safetensors")):
        config = _config(folder)
        with understood(folder):
            found = method(quantization_of(folder, config))
        return "mlx" if found in ("none", "unknown") and isinstance(config.get("quantization"), dict) else found
    if (folder / OPENVINO).is_file():
        return "openvino"
    if any(folder.glob("*.onnx")) or any(folder.glob("onnx/*.onnx")):
        return "onnx"
    return "none"


def require_weights(folder: Path, name: str) -> None:
    """Raise UsageProblem if the folder `name` holds a model, but none in safetensors; says in which format and what to do."""
    found = recognize(folder)
    if found in ("openvino", "onnx"):
        raise UsageProblem(_refusal(name, found))
    if not (folder / "config.json").is_file() and found != "lora":
        pickles = sorted(file.name for file in folder.iterdir() if file.suffix in PICKLES)
        also = f" (found {pickles[0]}, a pickle, which is never read)" if pickles else ""
        raise UsageProblem(f"unicomp: model folder {folder} holds no config.json{also}; give the folder that save_pretrained wrote.")


def require_evaluable(folder: Path, name: str) -> None:
    """Raise UsageProblem if the model `name` in `folder` is in a format that nothing here loads, or whose library is not installed."""
    found = recognize(folder)
    form = FORMATS.get(found)
    if found in UNTRIED or (form is not None and form.support in ("here", "converted") and found != "auto-round"):
        return
    if form is None or form.support != "extra" or missing_libraries([form.module]):
        raise UsageProblem(_refusal(name, found))


def _refusal(name: str, found: str) -> str:
    form = FORMATS.get(found, Format(f"quantized by {found!r}", "", "serve", server="vllm serve DIR"))
    if form.support == "extra":
        return f"unicomp: {name} is in the format {form.title}, whose library is not installed; pip install {form.package}, or serve it."
    if found == "auto-round":
        return f"unicomp: {name} is packed in a way of AutoRound's own; save it as auto_round:auto_gptq, or serve it: {SERVE}."
    if form.server == "vllm serve DIR":
        return f"unicomp: {name} is {form.title}, which is not evaluated here; serve it: {SERVE}."
    by_class = f"give it to a class of lm-eval ({CLASSES.format(form.lm_eval)}), or " if form.lm_eval else ""
    return (
        f"unicomp: {name} is {form.title}, which is not evaluated here; {by_class}serve it ({form.server}) and its reference, and give both addresses: "
        f"{ADDRESSES}."
    )


def _config(folder: Path) -> dict[str, Any]:
    return read_config(folder) if (folder / "config.json").is_file() and not is_pointer(folder / "config.json") else {}
