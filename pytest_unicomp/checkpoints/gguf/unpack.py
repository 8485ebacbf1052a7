"""From a GGUF file to an ordinary checkpoint folder: dense weights, the numbers that the file's blocks stand for, configuration and tokenizer.

Weights are unpacked exactly. llama.cpp also rounds activations to 8 bits before it multiplies quantized weights, which is not done here, so
that log-likelihoods differ a little from its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.checkpoints.gguf import tokenizer
from pytest_unicomp.checkpoints.gguf.configuration import ROTARY_TENSORS, configuration, refusal
from pytest_unicomp.checkpoints.gguf.reader import GgufFile

TOKENIZER_FILES = ("tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab*", "merges.txt", "*.model", "chat_template*")


def require_unpackable(file: GgufFile, *, has_base: bool) -> None:
    """Raise UsageProblem, in one line, if the model of a file cannot be evaluated here; reads its header alone.

    Without a base to take a tokenizer from, one must follow from the file's metadata.
    """
    why = refusal(file)
    if why is not None:
        raise UsageProblem(f"unicomp: {file.path} cannot be evaluated here: {why}; serve it with llama-server and give the server's URL.")
    if not has_base:
        tokenizer.require_buildable(file)


def unpack(file: GgufFile, folder: Path, base: Path | None) -> None:
    """Write the model of a GGUF file into the empty folder, its weights as float32.

    `base` is the checkpoint folder of the model that it was made from, if there is one: its tokenizer is used if its vocabulary is the
    file's, and its data type is the one to compute in. Otherwise both follow from the file. Raises UsageProblem for a file that cannot be
    unpacked, InfrastructureError if tensors of the file were not used or weights of the model are not in it.
    """
    import torch
    from transformers import AutoModelForCausalLM

    wanted = configuration(file, lambda name: tensor(file, name))
    known = used_names(file, wanted).known
    _require_none(file, "tensors belong to no weight of the model", (name for name in file.tensors if name not in known | ROTARY_TENSORS))
    model, report = AutoModelForCausalLM.from_pretrained(
        file.path.parent,
        gguf_file=file.path.name,
        config=wanted,
        dtype=torch.float32,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    missing = [*report["missing_keys"], *map(str, report["mismatched_keys"])]
    _require_none(file, "weights of the model are not in it", missing)
    # transformers keeps its reader of the packed form with the model and would not write it dense.
    model.hf_quantizer = None
    model.is_quantized = False
    del model.config.quantization_config
    ends = tokenizer.end_tokens(file)
    model.generation_config.eos_token_id = model.config.eos_token_id = ends if len(ends) > 1 else (ends[0] if ends else None)
    model.save_pretrained(folder)
    if base is not None and same_vocabulary(file, base):
        for pattern in TOKENIZER_FILES:
            for found in base.glob(pattern):
                (folder / found.name).write_bytes(found.read_bytes())
    else:
        tokenizer.save(file, folder)
    if base is not None:
        _compute_as(base, folder)


def config(file: GgufFile) -> dict[str, Any]:
    """Return what config.json would say of the model in a file that can be unpacked."""
    found: dict[str, Any] = configuration(file, lambda name: tensor(file, name)).to_dict()
    found.pop("quantization_config", None)
    return found


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


def same_vocabulary(file: GgufFile, base: Path) -> bool:
    """Return True if the tokenizer in the folder gives each id the token that the file gives it.

    A file may hold more ids than the tokenizer: converters fill the embedding's last rows with placeholders.
    """
    from transformers import AutoTokenizer

    known = AutoTokenizer.from_pretrained(base, local_files_only=True, trust_remote_code=False).get_vocab()
    tokens = file.metadata.get("tokenizer.ggml.tokens") or []
    return bool(known) and all(place < len(tokens) and tokens[place] == token for token, place in known.items())


@dataclass(frozen=True)
class TensorNames:
    """The names, in the file's spelling, of the tensors that a model reads: those it needs, and all that it knows."""

    needed: frozenset[str]
    known: frozenset[str]


def used_names(file: GgufFile, config: Any) -> TensorNames:
    """Return which tensors of a file the model of a configuration reads; the model is built without memory for its weights."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.modeling_gguf_pytorch_utils import TENSOR_PROCESSORS, TensorProcessor, get_gguf_hf_weights_map

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    processor = TENSOR_PROCESSORS.get(file.architecture, TensorProcessor)(config=config.to_dict())
    known = frozenset(get_gguf_hf_weights_map(model, processor))
    # Names without a suffix stand for the experts of a layer, which one file stores together and another apart.
    together = frozenset(f"{name}.weight" for name in known if not name.endswith((".weight", ".bias")))
    return TensorNames(frozenset(name for name in known if name.endswith((".weight", ".bias"))), known | together)


def _require_none(file: GgufFile, what: str, names: Iterable[str]) -> None:
    """Raise InfrastructureError that counts the names and says the first, if there are any."""
    found = sorted(names)
    if found:
        raise InfrastructureError(
            f"unicomp: {file.path} cannot be unpacked whole: {len(found)} {what} (first: {found[0]}); "
            "serve it with llama-server and give the server's URL."
        )


def _compute_as(base: Path, folder: Path) -> None:
    """Let the unpacked model be computed in the type that its base is computed in: otherwise the two could not be compared."""
    stated = json.loads((base / "config.json").read_text(encoding="utf-8"))
    wanted = stated.get("dtype") or stated.get("torch_dtype")
    if wanted:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "dtype": wanted}, indent=2) + "\n", encoding="utf-8")
