from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_unicomp.checkpoints import checks
from pytest_unicomp.checkpoints.checks import Finding, Promise
from tests import packed_formats
from tests.methods import tiny


class Broken:
    """A copy of a sound checkpoint, to be damaged in one place."""

    def __init__(self, folder: Path, base: Path) -> None:
        self.folder, self.base = folder, base

    def tensors(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the tensors in place and write them again."""
        from safetensors.torch import load_file, save_file

        held = {name: tensor.clone() for name, tensor in load_file(self.folder / "model.safetensors").items()}
        change(held)
        save_file(held, self.folder / "model.safetensors", metadata={"format": "pt"})

    def json(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change a JSON file in place."""
        content = json.loads((self.folder / name).read_text())
        change(content)
        (self.folder / name).write_text(json.dumps(content))

    def base_config(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the base's config.json, in a copy of the base."""
        self.base = Path(shutil.copytree(self.base, self.folder.parent / "base"))
        content = json.loads((self.base / "config.json").read_text())
        change(content)
        (self.base / "config.json").write_text(json.dumps(content))

    def findings(self, promise: Promise | None = None) -> dict[str, Finding]:
        return {finding.check: finding for finding in checks.inspect(self.folder, self.base, promise)}

    def failed(self, promise: Promise | None = None) -> dict[str, Finding]:
        return {name: finding for name, finding in self.findings(promise).items() if finding.status == "fail"}


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model that everything here is made from: a Llama of two layers with tied embeddings, in float32."""
    return tiny.checkpoint(tmp_path_factory.mktemp("base") / "llama")


@pytest.fixture(scope="session")
def made(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A sound checkpoint by name, made once: a recipe's, `gptq` or `awq` (by those formats' definitions), `bitmask`, or `dense`."""
    folders: dict[str, Path] = {"dense": base}

    def make(name: str) -> Path:
        if name not in folders:
            folder = tmp_path_factory.mktemp("made") / name
            if name == "gptq":
                packed_formats.write(base, folder, "gptq", bits=4, group=64)
            elif name == "gptq-asymmetric":
                packed_formats.write(base, folder, "gptq", bits=4, group=64, symmetric=False)
            elif name == "awq":
                packed_formats.write(base, folder, "awq", group=64)
            elif name == "bitmask":
                write_bitmask(base, folder)
            else:
                tiny.run(name, base, folder, tiny.calibration(8, 96))
            folders[name] = folder
        return folders[name]

    return make


@pytest.fixture
def broken(made: Callable[[str], Path], base: Path, tmp_path: Path) -> Callable[[str], Broken]:
    def copy(name: str) -> Broken:
        shutil.copytree(made(name), tmp_path / "broken")
        return Broken(tmp_path / "broken", base)

    return copy


def write_bitmask(base: Path, folder: Path) -> None:
    """compressed-tensors' older "sparse-24-bitmask": values that are not zero, one bit per weight, and the shape."""
    from safetensors.numpy import load_file, save_file

    shutil.copytree(base, folder)
    tensors: dict[str, np.ndarray[Any, Any]] = {}
    for name, tensor in load_file(base / "model.safetensors").items():
        if not name.endswith("_proj.weight"):
            tensors[name] = tensor
            continue
        order = np.argsort(np.abs(tensor).reshape(len(tensor), -1, 4), axis=2)
        keep = np.zeros(order.shape, bool)
        np.put_along_axis(keep, order[:, :, 2:], True, axis=2)
        keep = keep.reshape(tensor.shape)
        tensors[f"{name}.compressed"] = tensor[keep].reshape(len(tensor), -1)
        tensors[f"{name}.bitmask"] = np.packbits(keep, axis=1, bitorder="little")
        tensors[f"{name}.shape"] = np.array(tensor.shape)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    sparsity = {"format": "sparse-24-bitmask", "sparsity_structure": "2:4", "global_sparsity": 0.5}
    config["quantization_config"] = {"quant_method": "compressed-tensors", "sparsity_config": sparsity, "config_groups": {}}
    (folder / "config.json").write_text(json.dumps(config))
