"""The weights of a GGUF file: dequantizes a tensor's blocks, and writes all tensors as safetensors under transformers' names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from pytest_unicomp.checkpoints.gguf.reader import GgufFile

SHARD_BYTES = 2 * 2**30
LAYER = re.compile(r"blk\.(\d+)\.")


def tensor(file: GgufFile, name: str) -> Any:
    """Return a tensor of the file as a float32 numpy array in torch's shape."""
    import numpy
    from gguf import GGMLQuantizationType
    from gguf.quants import dequantize

    stored = file.tensors[name]
    raw = numpy.memmap(file.path, dtype=numpy.uint8, mode="r", offset=stored.offset, shape=(stored.bytes,))
    kind = GGMLQuantizationType[stored.type]
    if kind == GGMLQuantizationType.F32:
        return numpy.array(raw.view(numpy.float32).reshape(stored.shape))
    if kind == GGMLQuantizationType.F16:
        return raw.view(numpy.float16).astype(numpy.float32).reshape(stored.shape)
    return dequantize(numpy.asarray(raw).reshape(*stored.shape[:-1], -1), kind).reshape(stored.shape)


@dataclass(frozen=True)
class TensorNames:
    """The names, in the file's spelling, of the tensors that a model reads: those it needs, and all that it knows."""

    needed: frozenset[str]
    known: frozenset[str]


@dataclass(frozen=True)
class Reading:
    """The parts that turn a file into a model: the model without memory for its weights, transformers' processor of tensors, and its name for each."""

    model: Any
    processor: Any
    transformers_names: Mapping[str, str]

    @classmethod
    def of(cls, file: GgufFile, config: Any) -> Reading:
        """Return the mapping by which transformers loads a GGUF file into the model of a configuration."""
        import torch
        from transformers import AutoModelForCausalLM
        from transformers.modeling_gguf_pytorch_utils import TENSOR_PROCESSORS, TensorProcessor, get_gguf_hf_weights_map

        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config)
        processor = TENSOR_PROCESSORS.get(file.architecture, TensorProcessor)(config=config.to_dict())
        return cls(model, processor, get_gguf_hf_weights_map(model, processor))

    @property
    def names(self) -> TensorNames:
        """The tensors that the model reads."""
        mapped = frozenset(self.transformers_names)
        single = frozenset(name for name in mapped if name.endswith((".weight", ".bias")))
        # Names without a suffix stand for the experts of a layer, which one file stores together and another apart.
        return TensorNames(single, mapped | {f"{name}.weight" for name in mapped - single})


def write(file: GgufFile, reading: Reading, folder: Path) -> frozenset[str]:
    """Write the file's tensors as float32 safetensors of at most about SHARD_BYTES each, and return their transformers names.

    Layers are read one after the other: some models join several tensors of a layer into one.
    """
    shards: list[list[str]] = []
    waiting: dict[str, Any] = {}
    for _, names in groupby(sorted(file.tensors, key=_layer), key=_layer):
        waiting |= _read(file, reading, list(names))
        if sum(weights.nbytes for weights in waiting.values()) >= SHARD_BYTES:
            shards.append(_save(waiting, folder, len(shards) + 1))
            waiting = {}
    if waiting:
        shards.append(_save(waiting, folder, len(shards) + 1))
    _name_shards(shards, folder)
    return frozenset(name for shard in shards for name in shard)


def _layer(name: str) -> int:
    found = LAYER.match(name)
    return -1 if found is None else int(found[1])


def _read(file: GgufFile, reading: Reading, names: list[str]) -> dict[str, Any]:
    joined: dict[str, dict[str, Any]] = {"tensors": {}}
    found: dict[str, Any] = {}
    for name in names:
        made = reading.processor.process(
            weights=tensor(file, name), name=name, tensor_key_mapping=reading.transformers_names, parsed_parameters=joined
        )
        if made.name in reading.transformers_names:
            found[reading.transformers_names[made.name]] = made.weights
    return found | {name: weights.numpy() for name, weights in joined["tensors"].items()}


def _save(weights: Mapping[str, Any], folder: Path, number: int) -> list[str]:
    import numpy
    from safetensors.numpy import save_file

    whole = {name: numpy.ascontiguousarray(values, dtype=numpy.float32) for name, values in weights.items()}
    save_file(whole, folder / f"{number}.safetensors", metadata={"format": "pt"})
    return list(whole)


def _name_shards(shards: list[list[str]], folder: Path) -> None:
    """Give the shards the names that transformers looks for, and write their index if there are several."""
    if len(shards) == 1:
        (folder / "1.safetensors").rename(folder / "model.safetensors")
        return
    places: dict[str, str] = {}
    for number, names in enumerate(shards, start=1):
        shard = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        (folder / f"{number}.safetensors").rename(folder / shard)
        places |= dict.fromkeys(names, shard)
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(places.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
