"""A checkpoint folder for the artifact checks: files, headers and configuration, each read lazily and once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.foreign import LARGEST_TOKENIZER, ForeignFile, read_object
from pytest_unicomp.checkpoints.checks.promise import Promise, promised
from pytest_unicomp.checkpoints.checks.scan import Statistics, statistics
from pytest_unicomp.checkpoints.config_json import read_config
from pytest_unicomp.checkpoints.formats import FORMATS, QuantizedLayer, gptq, method
from pytest_unicomp.checkpoints.lfs_pointer import MEANING, is_pointer
from pytest_unicomp.checkpoints.safetensors_reader import INDEX, Tensor, headers, weight_map


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint folder and the sparsity that its recipe promises (`stated`; None: the promise of its own files)."""

    folder: Path
    stated: Promise | None = None

    def json(self, name: str) -> dict[str, Any]:
        """Return a JSON file of the folder, empty if there is none; raises UnicompError if it is no JSON object, or too large or too deep for one."""
        file = self.folder / name
        if not file.is_file():
            return {}
        if is_pointer(file):
            raise UsageProblem(f"unicomp: {name} is {MEANING}.")
        return read_object(file, LARGEST_TOKENIZER, infinite=True)

    @cached_property
    def config(self) -> dict[str, Any]:
        """config.json as it is, empty if there is none."""
        return read_config(self.folder) if (self.folder / "config.json").is_file() else {}

    @cached_property
    def declaration(self) -> str:
        """The name of the file that declares the quantization: config.json, or the older quantize_config.json or hf_quant_config.json."""
        return gptq.declaration(self.folder, self.config)

    @cached_property
    def text_config(self) -> dict[str, Any]:
        """The part of config.json that describes the language model: itself, or its `text_config`."""
        inner = self.config.get("text_config")
        return {**self.config, **inner} if isinstance(inner, dict) else self.config

    @cached_property
    def index(self) -> dict[str, str]:
        """Tensor name to file name, as the index says; empty if there is no index, or none that names files (see files-complete)."""
        try:
            return weight_map(self.folder) if (self.folder / INDEX).is_file() else {}
        except (UsageProblem, ForeignFile):
            return {}

    @cached_property
    def files(self) -> Sequence[Path]:
        """The weight files that are there: those that the index names, or all."""
        if self.index:
            return [file for name in sorted(set(self.index.values())) if (file := self.folder / Path(name).name).is_file()]
        return sorted(self.folder.glob("*.safetensors"))

    @cached_property
    def unreadable(self) -> dict[str, str]:
        """Weight files that are not sound safetensors, by name, each with the reason."""
        from safetensors import SafetensorError, safe_open

        found = {}
        for file in self.files:
            if is_pointer(file):
                found[file.name] = MEANING
                continue
            try:
                with safe_open(file, framework="numpy"):
                    headers([file])
            except (SafetensorError, OSError, UsageProblem) as error:
                found[file.name] = str(error)
        return found

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Name to tensor, of all files that can be read; nothing is loaded."""
        return headers([file for file in self.files if file.name not in self.unreadable])

    @cached_property
    def statistics(self) -> dict[str, Statistics]:
        """Zeros, signs and non-finite numbers of every tensor, counted in one pass over the files."""
        return {name: found for name, tensor in self.tensors.items() if (found := statistics(tensor)) is not None}

    @cached_property
    def quantization(self) -> dict[str, Any]:
        """The `quantization_config` of config.json, or the content of the separate file of old AutoGPTQ checkpoints."""
        return gptq.quantization_of(self.folder, self.config)

    @property
    def method(self) -> str:
        """The name of its quantization, "none" for a dense checkpoint."""
        return method(self.quantization)

    @property
    def only_cache(self) -> bool:
        """Return True if it quantizes its KV cache and no weights."""
        return bool(self.quantization.get("kv_cache_scheme")) and not self.quantization.get("config_groups")

    @cached_property
    def layers(self) -> Sequence[QuantizedLayer]:
        """Its quantized layers; empty if it is dense or in a format that is not known here. Raises UsageProblem for an unknown packing."""
        reader = FORMATS.get(self.method)
        return reader(self.tensors, self.quantization) if reader else []

    @cached_property
    def promise(self) -> Promise:
        """The promise that its zeros must keep."""
        return self.stated or promised(self.folder, self.config)
