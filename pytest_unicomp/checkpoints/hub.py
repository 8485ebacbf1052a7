"""Resolve a model's name to a checkpoint folder and read fingerprint, size and sparsity off its files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.paths import typed
from pytest_unicomp.checkpoints import gguf, packaged, recognize
from pytest_unicomp.checkpoints.config_json import read_config, require_regular_files, understood
from pytest_unicomp.checkpoints.configuration.resolve import known
from pytest_unicomp.checkpoints.formats.gptq import quantization_of
from pytest_unicomp.checkpoints.hub_access import Repository
from pytest_unicomp.checkpoints.hub_errors import explained
from pytest_unicomp.checkpoints.safetensors_reader import INDEX, block_sparsity, headers, logical_parameters, weight_files
from pytest_unicomp.checkpoints.tokenization.growth import require_bounded
from pytest_unicomp.checkpoints.weight_set import missing_files, require_one_set
from pytest_unicomp.store.file_digests import file_digest

NANO = Path(__file__).parent.parent / "nano" / "checkpoint"
FETCHED = ("*.safetensors", "*.json", "tokenizer*", "*.model", "*.tiktoken", "merges.txt", "vocab.txt", "*.jinja")
IDENTITY = (
    "config.json",
    "adapter_config.json",
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "*.model",
    "*.tiktoken",
)
TEMPLATES = ("chat_template*",)
# A repository, and after @ a branch, a tag or a commit of it.
HUB_ID = re.compile(r"([A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?)(?:@([A-Za-z0-9][\w.-]*))?")


@dataclass(frozen=True)
class Facts:
    """Facts read from a checkpoint's files: parameters of the architecture (packed ones counted unpacked), bytes of the weight files, 8 x bytes / parameters,
    share of exact zeros in the decoder's linear layers (0 to 1), and one phrase on the quantization ("none" if there is none)."""

    parameters: int
    bytes: int
    bits_per_weight: float
    sparsity: float
    quantization: str


def resolve(name: str, bundle: Path | None) -> Path:
    """Return the checkpoint folder for `nano`, a folder, `<bundle>/<org>/<name>`, or a hub id, `org/name` or `org/name@revision` (fetched
    when there is no bundle).

    An adapter's folder is returned, whose base is not looked for. A GGUF file is returned itself: of a path, a folder that holds nothing else,
    `org/name/FILE.gguf` of the hub, or the package that carries `smollm2`.

    Raises what `validate` raises, UsageProblem for a folder that lacks a file of its index, and UnicompError if fetching fails.
    """
    validate(name, bundle)
    folder = local(name, bundle)
    if folder is None:
        folder = gguf.fetch(name) if gguf.is_gguf(name) else _fetch(name)
    if gguf.is_gguf(folder):
        return folder
    recognize.require_weights(folder, name)
    if recognize.is_adapter(folder):
        return folder
    _require_plain(folder, name)
    require_one_set(folder, name)
    require_bounded(folder)
    require_complete(name, bundle, folder)
    return folder


def require_complete(name: str, bundle: Path | None, folder: Path | None = None) -> None:
    """Raise UsageProblem if the index of a model on this machine (in `folder`, if that is known) names a file that is missing."""
    folder = folder or local(name, bundle)
    if folder is None or not folder.is_dir():
        return
    missing = missing_files(folder)
    if missing:
        raise UsageProblem(
            f"unicomp: {name} lacks {missing[0]}, which {INDEX} names ({len(missing)} missing in all); download or copy the folder again."
        )


def validate(name: str, bundle: Path | None) -> None:
    """Raise UsageProblem if the name cannot be a model: cheap, reads one config.json and one index, fetches nothing.

    A folder must hold weights in one format and one set; `resolve` checks that each file of an index is there.
    """
    folder = local(name, bundle)
    if folder is not None and gguf.is_gguf(folder):
        gguf.read(folder)
        return
    packaged.require_installed(name)
    if folder is None and gguf.is_gguf(name):
        gguf.require_findable(name, bundle)
        return
    if folder is not None:
        require_regular_files(folder)
        recognize.require_weights(folder, name)
        if recognize.is_adapter(folder):
            return
        _require_plain(folder, name)
        require_one_set(folder, name)
        require_bounded(folder)
        return
    if name.startswith((".", "/", "~")) or name.endswith("/") or name.count("/") > 1 or "\\" in name:
        raise UsageProblem(
            f"unicomp: model folder {name} does not exist; give an existing folder, `nano`, `smollm2` or a hub id such as org/name."
        )
    if not HUB_ID.fullmatch(name):
        raise UsageProblem(f"unicomp: {name!r} is neither `nano`, `smollm2`, an existing folder nor a hub id such as org/name.")
    if bundle is not None:
        raise UsageProblem(
            f"unicomp: the bundle has no model {name}: {bundle / name} does not exist, and with a bundle nothing is fetched. "
            f"Where there is a network: unicomp prefetch --model {name} --bundle {bundle}"
        )


def fingerprint(folder: Path, *, digest_of: Callable[[Path], str] = file_digest) -> str:
    """Return the sha256 (64 hex digits) over names and contents of weights, config.json, tokenizer and chat template.

    Times, README, recipe.yaml and other files do not enter. `digest_of` gives the sha256 of a file; one that remembers saves reading it again.
    """
    total = hashlib.sha256()
    chosen = {file for pattern in (*IDENTITY, *TEMPLATES) for file in folder.glob(pattern) if file.is_file()}
    for file in sorted(chosen | set(weight_files(folder)), key=lambda found: found.name):
        total.update(f"{file.name}\0{digest_of(file)}\n".encode())
    return total.hexdigest()


def facts(folder: Path) -> Facts:
    """Read parameters, bytes, sparsity and quantization of a checkpoint folder; only decoder weights are read in full, one at a time.

    Raises UsageProblem if a weight file is not safetensors.
    """
    config = read_config(folder)
    files = weight_files(folder)
    tensors = headers(files)
    size = sum(file.stat().st_size for file in files)
    with understood(folder):
        config["quantization_config"] = quantization_of(folder, config)
        parameters = logical_parameters(tensors, config)
        return Facts(
            parameters=parameters,
            bytes=size,
            bits_per_weight=8 * size / parameters if parameters else 0.0,
            sparsity=block_sparsity(tensors, config),
            quantization=describe_quantization(config),
        )


def count_parameters(source: Path) -> int:
    """Return the parameters of the architecture in a checkpoint folder or a GGUF file; reads headers alone."""
    if gguf.is_gguf(source):
        return gguf.read(source).parameters
    config, tensors = read_config(source), headers(weight_files(source))
    with understood(source):
        return logical_parameters(tensors, {**config, "quantization_config": quantization_of(source, config)})


def describe_quantization(config: dict[str, Any]) -> str:
    """Return one phrase such as "compressed-tensors pack-quantized: weights int4 in groups of 128", or "none"."""
    quantization = config.get("quantization_config")
    if not quantization:
        return "none"
    parts = []
    for group in quantization.get("config_groups", {}).values():
        for what in ("weights", "input_activations"):
            if (arguments := group.get(what)) is not None:
                parts.append(f"{what.replace('_', ' ')} {_arguments(arguments)}")
    if (cache := quantization.get("kv_cache_scheme")) is not None:
        parts.append(f"KV cache {_arguments(cache)}")
    form = quantization.get("format") or quantization.get("quant_algo") or ""
    head = f"{quantization.get('quant_method', 'unknown')} {form}".strip()
    if not parts and "bits" in quantization:
        parts.append(f"weights int{quantization['bits']} in groups of {quantization.get('group_size', -1)}")
    return f"{head}: {', '.join(parts)}" if parts else head


def _arguments(arguments: dict[str, Any]) -> str:
    kind = f"{arguments.get('type', 'int')}{arguments['num_bits']}"
    spread = arguments.get("strategy")
    return f"{kind} in groups of {arguments['group_size']}" if spread == "group" else f"{kind} per {spread}"


def local(name: str, bundle: Path | None) -> Path | None:
    """Return the folder, or the GGUF file, of a model that is on this machine already, by name (`nano`, `smollm2`), path or bundle, else None.

    Raises UsageProblem for a folder with several GGUF files, or with one beside another checkpoint.
    """
    if name == "nano":
        return NANO
    if (carried := packaged.find(name)) is not None:
        return carried
    if gguf.is_gguf(name) and not typed(name).is_dir():
        return gguf.local(name, bundle)
    folder = typed(name)
    if folder.is_dir():
        return gguf.in_folder(folder.resolve()) or folder.resolve()
    if bundle is not None and HUB_ID.fullmatch(name) and (bundle / name).is_dir():
        return gguf.in_folder((bundle / name).resolve()) or (bundle / name).resolve()
    return None


def _require_plain(folder: Path, name: str) -> None:
    config = read_config(folder)
    # For an architecture that transformers has, its own class is used and the code in the folder is never read.
    if config.get("auto_map") and not known(config):
        raise UsageProblem(
            f"unicomp: {name} wants to run its own code (auto_map in config.json), which is refused; "
            "use a checkpoint of an architecture that transformers knows."
        )


def repository(name: str) -> Repository:
    """Return the repository, and the revision of it, that the name of a model on the hub means."""
    if gguf.is_gguf(name):
        return Repository("model", gguf.repository(name)[0])
    parts = HUB_ID.fullmatch(name)
    return Repository("model", name) if parts is None else Repository("model", parts[1], parts[2])


def _fetch(name: str) -> Path:
    from huggingface_hub import snapshot_download

    wanted = repository(name)
    try:
        return Path(snapshot_download(wanted.name, revision=wanted.revision, allow_patterns=list(FETCHED)))
    # Whatever the client raises: the chain of causes says which it is.
    except Exception as error:
        raise explained(str(wanted), error) from error
