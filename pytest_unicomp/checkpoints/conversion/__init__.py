"""Turn a checkpoint that needs other libraries' kernels (AutoAWQ, GPTQ) into compressed-tensors, which transformers unpacks anywhere."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError, UnicompError, UsageProblem
from pytest_unicomp.checkpoints.conversion import autoawq, gptq
from pytest_unicomp.checkpoints.conversion.gptq import GptqConverter as GptqConverter
from pytest_unicomp.checkpoints.formats import FORMATS, QuantizedLayer, method
from pytest_unicomp.checkpoints.formats.gptq import LEGACY, quantization_of
from pytest_unicomp.checkpoints.hub import FETCHED
from pytest_unicomp.checkpoints.safetensors_reader import INDEX, WHOLE, headers, weight_files

# To each method the function that gives compressed-tensors' converter for its layers, from `quantization_config` and the layers.
CONVERTERS: Mapping[str, Callable[[Mapping[str, Any], list[QuantizedLayer]], Any]] = {"awq": autoawq.converter, "gptq": gptq.converter}


def needed(folder: Path) -> str | None:
    """Return the method ("awq", "gptq") where a checkpoint must be converted to be evaluated here, else None; reads its configuration."""
    name = method(quantization(folder))
    return name if name in CONVERTERS else None


def require_convertible(folder: Path) -> None:
    """Raise UsageProblem where the checkpoint needs a conversion that is not possible; reads configuration, headers and group indices."""
    _plan(folder)


def convert(folder: Path, destination: Path) -> None:
    """Write the checkpoint of `folder` into the empty folder `destination` in compressed-tensors format, other files along with it.

    Weights stay what they are: codes, scales and zero points are repacked; layers whose groups do not lie side by side (act-order), for which
    that format has no place, are written dense in the scales' type. Raises UsageProblem for what cannot be converted, InfrastructureError
    where the library fails.
    """
    declared, layers = _plan(folder)
    with tempfile.TemporaryDirectory() as staged:
        _stage(folder, Path(staged))
        try:
            from compressed_tensors.entrypoints.convert import convert_checkpoint

            convert_checkpoint(staged, destination, CONVERTERS[method(declared)](declared, layers), device="cpu")
        except UnicompError:
            raise
        except Exception as error:
            raise InfrastructureError(f"unicomp: converting {folder} failed: {type(error).__name__}: {error}") from error


def quantization(folder: Path) -> dict[str, Any]:
    """Return the checkpoint's `quantization_config`, wherever its tool keeps it; empty for a dense one."""
    return quantization_of(folder, json.loads((folder / "config.json").read_text(encoding="utf-8")))


def _plan(folder: Path) -> tuple[dict[str, Any], list[QuantizedLayer]]:
    declared = quantization(folder)
    name = method(declared)
    layers = list(FORMATS[name](headers(weight_files(folder)), declared))
    if not layers:
        raise UsageProblem(f"unicomp: {folder} is declared {name}, but holds no packed layer (qweight); save it again.")
    for layer in layers:
        if layer.problems:
            raise UsageProblem(
                f"unicomp: layer {layer.name} of {folder} is not what config.json declares: {layer.problems[0]}; "
                "`unicomp check-artifact` lists all; correct quantization_config or quantize again."
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
            if file.is_file() and file.suffix != ".safetensors" and file.name != LEGACY:
                names.setdefault(file, file.name)
    for file, name in names.items():
        (staged / name).parent.mkdir(parents=True, exist_ok=True)
        (staged / name).symlink_to(file.resolve())
