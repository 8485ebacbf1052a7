"""From a GGUF file to an ordinary checkpoint folder: dense weights, the dequantized values of the file's blocks, configuration and tokenizer.

Weights are unpacked exactly. llama.cpp also rounds activations to 8 bits before it multiplies quantized weights, which is not done here, so
that log-likelihoods differ a little from its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.checkpoints.config_json import read_config
from pytest_unicomp.checkpoints.gguf import tokenizer, weights
from pytest_unicomp.checkpoints.gguf.configuration import ROTARY_TENSORS, configuration, refusal
from pytest_unicomp.checkpoints.gguf.reader import GgufFile
from pytest_unicomp.checkpoints.gguf.weights import Reading, tensor

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
    """Write the model of a GGUF file into the empty folder, its weights as float32; no more than a shard is held in memory.

    `base` is the checkpoint folder of the model that it was made from, if there is one: its tokenizer is used if its vocabulary is the
    file's, and its data type is the one to compute in. Otherwise both follow from the file. Raises InfrastructureError if the file holds a
    tensor that belongs to no weight of the model, or lacks a weight.
    """
    from transformers import GenerationConfig

    wanted = configuration(file, lambda name: tensor(file, name))
    reading = Reading.of(file, wanted)
    known = reading.names.known | ROTARY_TENSORS
    _require_none(file, "tensors belong to no weight of the model", (name for name in file.tensors if name not in known))
    wanted.architectures, wanted.dtype = [type(reading.model).__name__], "float32"
    ends = tokenizer.end_tokens(file)
    wanted.eos_token_id = ends if len(ends) > 1 else (ends[0] if ends else None)
    written = weights.write(file, reading, folder)
    lacking = {name for name, _ in reading.model.named_parameters()} - written
    tied = set(reading.model.all_tied_weights_keys) if wanted.tie_word_embeddings else set()
    _require_none(file, "weights of the model are not in it", lacking - tied)
    wanted.save_pretrained(folder)
    GenerationConfig.from_model_config(wanted).save_pretrained(folder)
    if base is not None and same_vocabulary(file, base):
        for pattern in TOKENIZER_FILES:
            for found in base.glob(pattern):
                (folder / found.name).write_bytes(found.read_bytes())
    else:
        tokenizer.save(file, folder)
    if base is not None:
        _compute_as(base, folder)


def config(file: GgufFile) -> dict[str, Any]:
    """Return the content of the config.json that describes the model of a GGUF file, without quantization_config."""
    found: dict[str, Any] = configuration(file, lambda name: tensor(file, name)).to_dict()
    found.pop("quantization_config", None)
    return found


def same_vocabulary(file: GgufFile, base: Path) -> bool:
    """Return True if the tokenizer in the folder gives each id the token that the file gives it.

    A file may hold more ids than the tokenizer: converters fill the embedding's last rows with placeholders.
    """
    from transformers import AutoTokenizer

    known = AutoTokenizer.from_pretrained(base, local_files_only=True, trust_remote_code=False).get_vocab()
    tokens = file.metadata.get("tokenizer.ggml.tokens") or []
    return bool(known) and all(place < len(tokens) and tokens[place] == token for token, place in known.items())


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
    stated = read_config(base)
    wanted = stated.get("dtype") or stated.get("torch_dtype")
    if wanted:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "dtype": wanted}, indent=2) + "\n", encoding="utf-8")
