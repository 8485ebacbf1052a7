"""Turn a checkpoint that transformers cannot load here into one that it can.

AutoAWQ, GPTQ, AutoRound and ModelOpt become compressed-tensors. GGUF becomes dense weights, and so does a LoRA adapter with its base.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError, UnicompError, UsageProblem
from pytest_unicomp.checkpoints import gguf
from pytest_unicomp.checkpoints.config_json import read_config, understood
from pytest_unicomp.checkpoints.conversion import autoawq, gptq, lora, modelopt
from pytest_unicomp.checkpoints.conversion.gptq import GptqConverter as GptqConverter
from pytest_unicomp.checkpoints.formats import FORMATS, QuantizedLayer, described, method
from pytest_unicomp.checkpoints.formats.gptq import LEGACY, MODELOPT, declaration, quantization_of
from pytest_unicomp.checkpoints.hub import FETCHED
from pytest_unicomp.checkpoints.recognize import is_adapter
from pytest_unicomp.checkpoints.safetensors_reader import INDEX, WHOLE, headers, weight_files

# To each method the function that gives compressed-tensors' converter for its layers, from `quantization_config` and the layers.
CONVERTERS: Mapping[str, Callable[[Mapping[str, Any], list[QuantizedLayer]], Any]] = {
    "awq": autoawq.converter,
    "gptq": gptq.converter,
    "modelopt": modelopt.converter,
}


def needed(source: Path) -> str | None:
    """Return the format ("awq", "gptq", "modelopt", "lora", "gguf") if a checkpoint must be converted to be evaluated here, else None; reads its configuration."""
    if gguf.is_gguf(source):
        return "gguf"
    if is_adapter(source):
        return "lora"
    name = method(quantization(source))
    return name if name in CONVERTERS else None


def require_convertible(source: Path, *, has_base: bool = True) -> None:
    """Raise UsageProblem if the checkpoint needs a conversion that is not possible; reads configuration, headers and group indices.

    `has_base` is True if there is a base: the reference, whose tokenizer a GGUF file may need, or an adapter's own.
    """
    if gguf.is_gguf(source):
        gguf.require_unpackable(gguf.read(source), has_base=has_base)
    elif is_adapter(source):
        lora.require_mergeable(source, has_base=has_base)
    else:
        _plan(source)


def convert(source: Path, destination: Path, base: Path | None = None) -> None:
    """Write the checkpoint `source`, a folder or a GGUF file, into the empty folder `destination` in a form that transformers loads.

    GGUF becomes dense float32 weights, with the tokenizer of `base`, the reference's folder, if it has the same vocabulary. Of the others
    codes, scales and zero points are repacked as compressed-tensors; layers whose groups do not lie side by side (act-order), for which
    that format has no place, are written dense in the scales' type. Raises UsageProblem for what cannot be converted, InfrastructureError
    if the library fails.
    """
    if gguf.is_gguf(source):
        gguf.unpack(gguf.read(source), destination, base)
        return
    if is_adapter(source):
        _merge(source, base, destination)
        return
    declared, layers = _plan(source)
    with tempfile.TemporaryDirectory() as staged:
        _stage(source, Path(staged))
        try:
            from compressed_tensors.entrypoints.convert import convert_checkpoint

            convert_checkpoint(staged, destination, CONVERTERS[method(declared)](declared, layers), device="cpu")
        except UnicompError:
            raise
        except Exception as error:
            # compressed-tensors documents no errors, and a foreign checkpoint makes it raise many kinds.
            raise InfrastructureError(f"unicomp: converting {source} failed: {type(error).__name__}: {error}") from error


def _merge(adapter: Path, base: Path | None, destination: Path) -> None:
    """Merge an adapter into its base, which is itself converted first if that is needed."""
    lora.require_mergeable(adapter, has_base=base is not None)
    assert base is not None
    if needed(base) is None:
        lora.require_plain_base(base, quantization(base))
        lora.merge(adapter, base, destination)
        return
    with tempfile.TemporaryDirectory() as made:
        convert(base, Path(made))
        lora.require_plain_base(base, quantization(Path(made)))
        lora.merge(adapter, Path(made), destination)


def quantization(folder: Path) -> dict[str, Any]:
    """Return the checkpoint's `quantization_config`, wherever its tool keeps it; empty for a dense one."""
    config = read_config(folder)
    with understood(folder):
        return quantization_of(folder, config)


def _plan(folder: Path) -> tuple[dict[str, Any], list[QuantizedLayer]]:
    config = read_config(folder)
    with understood(folder):
        declared = quantization_of(folder, config)
    name = method(declared)
    layers = list(FORMATS[name](headers(weight_files(folder)), declared))
    if not layers:
        raise UsageProblem(f"unicomp: {folder} is declared {name}, but holds no quantized layer; save it again.")
    for layer in layers:
        if layer.problems:
            raise UsageProblem(
                f"unicomp: layer {layer.name} of {folder} is not what {declaration(folder, config)} declares ({described(declared)}): "
                f"{layer.problems[0]}; `unicomp check-artifact` lists all; correct the declaration or quantize again."
            )
    CONVERTERS[name](declared, layers)
    return declared, layers


def _stage(folder: Path, staged: Path) -> None:
    """Link what belongs into a checkpoint: the library copies every other file of a folder, code and pickles too."""
    files = weight_files(folder)
    names = {file: str(file.relative_to(folder)) for file in files}
    if len(files) == 1 and not (folder / INDEX).is_file():
        # Older GPTQ files have names of their own, under which transformers would not find the weights.
        names[files[0]] = WHOLE
    for pattern in FETCHED:
        for file in folder.glob(pattern):
            if file.is_file() and file.suffix != ".safetensors" and file.name not in (LEGACY, MODELOPT):
                names.setdefault(file, file.name)
    for file, name in names.items():
        (staged / name).parent.mkdir(parents=True, exist_ok=True)
        (staged / name).symlink_to(file.resolve())
