"""Stage 2, for checkpoints that others made: the reference, and candidates, each as an artifact that can be loaded here.

A checkpoint that transformers loads is used in its own place. Any other (AutoAWQ, GPTQ, ModelOpt, GGUF, LoRA) is converted once per content into an entry of
the store; bytes and bits per weight are then still the original's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.api.foreign import ForeignFile, read_object
from pytest_unicomp.api.records import Artifact, Model
from pytest_unicomp.api.source_digest import package_digest
from pytest_unicomp.checkpoints import conversion, gguf, hub, recognize
from pytest_unicomp.checkpoints.safetensors_reader import weight_files
from pytest_unicomp.checkpoints.tokenization import compare_tokenizers
from pytest_unicomp.checkpoints.tokenization.growth import FILE as TOKENIZER
from pytest_unicomp.engine.quiet_libraries import quiet_with_captured_output
from pytest_unicomp.run.compress import RECORD, described, library_versions
from pytest_unicomp.run.step import Step, StepProgress
from pytest_unicomp.store.file_digests import file_digest
from pytest_unicomp.store.local import Store, digest

# The code that decides what a converted checkpoint holds.
CONVERTING = (
    "pytest_unicomp.checkpoints.conversion",
    "pytest_unicomp.checkpoints.formats",
    "pytest_unicomp.checkpoints.gguf",
)


def reference(name: str, bundle: Path | None, store: Store, progress: StepProgress) -> Model:
    """Resolve the reference to a folder on this machine and describe it; fetches a hub model if there is no bundle.

    A GGUF file is unpacked first; the model's bytes are those of the file then.
    """
    source = hub.resolve(name, bundle)
    if conversion.needed(source) is None:
        facts = hub.facts(source)
        found = hub.fingerprint(source, digest_of=store.digests.of)
        return Model(name=name, path=str(source), fingerprint=found, parameters=facts.parameters, bytes=facts.bytes)
    folder, original = _converted("reference", source, None, store, progress)
    return Model(
        name=name,
        path=str(folder),
        fingerprint=hub.fingerprint(folder, digest_of=store.digests.of),
        parameters=hub.facts(folder).parameters,
        bytes=original["bytes"],
        original=original,
    )


def dense(model: Model, store: Store) -> Artifact:
    """Return the reference itself as an artifact: nothing is copied."""
    settings: dict[str, Any] = {"method": "dense"}
    if model.original is None:
        return described(Path(model.path), digest_of=store.digests.of, recipe="dense", family="none", settings=settings)
    whole = {**settings, "original": model.original}
    made = described(Path(model.path), digest_of=store.digests.of, recipe="dense", family="none", settings=whole)
    return _as_shipped(made, model.original)


def adopt(name: str, source: str, model: Model, bundle: Path | None, store: Store, progress: StepProgress) -> Artifact:
    """Return a checkpoint that was compressed elsewhere as an artifact; `model` is the reference that it is compared with.

    The settings record path, format and fingerprint of the original if it was converted. Raises UsageProblem if it cannot be converted.
    """
    path = hub.resolve(source, bundle)
    _require_tokenizer(path, Path(model.path), source)
    settings: dict[str, Any] = {"method": "candidate", "source": source}
    if conversion.needed(path) is None:
        found = described(path, digest_of=store.digests.of, recipe=name, family="candidate", settings=settings)
        return found.model_copy(update=_recorded(path, found.fingerprint))
    conversion.require_convertible(path)
    folder, original = _converted(name, path, _base(path, Path(model.path), bundle), store, progress)
    whole = {**settings, "original": original}
    made = described(folder, digest_of=store.digests.of, recipe=name, family="candidate", settings=whole)
    return _as_shipped(made, original)


def _require_tokenizer(path: Path, base: Path, source: str) -> None:
    """Raise InfrastructureError if a tokenizer that is not the reference's takes more time or memory than the limits: it is tried in a child process."""
    mine, theirs = path / TOKENIZER, base / TOKENIZER
    if not mine.is_file() or (theirs.is_file() and file_digest(mine) == file_digest(theirs)):
        return
    found = compare_tokenizers(path, base)
    if found.stopped:
        raise InfrastructureError(
            f"unicomp: the tokenizer of {source} is not loaded here: {found.problems[0]}; expected one that encodes short texts within the limits."
        )


def require_convertible(source: str, bundle: Path | None, *, has_base: bool = True) -> None:
    """Raise UsageProblem if a checkpoint on this machine needs a conversion that is not possible; one yet to be fetched is asked then.

    `has_base` is True if it will be compared with a reference, whose tokenizer a GGUF file may need.
    """
    found = hub.local(source, bundle)
    if found is not None and conversion.needed(found) is not None:
        conversion.require_convertible(found, has_base=has_base)


def require_base(source: str, bundle: Path | None, reference: str) -> None:
    """Raise UsageProblem for an adapter whose base is neither on this machine nor the reference, by the last part of its name.

    An adapter fits every model of its base's shape; merged into another base it is a different model.
    """
    found = hub.local(source, bundle)
    if found is None or not found.is_dir() or not recognize.is_adapter(found):
        return
    base = conversion.lora.base_name(found)
    if hub.local(base, bundle) is None and PurePath(base).name != PurePath(reference).name:
        raise UsageProblem(
            f"unicomp: the adapter {source} was made for {base}, which is not here, and the reference is {reference}; "
            f"give --unicomp-model={base}, or write {reference} as base_model_name_or_path into adapter_config.json if they are the same model."
        )


def _base(source: Path, reference: Path, bundle: Path | None) -> Path:
    """Return the folder of a checkpoint's base: of an adapter the one that it names, if that is on this machine, else the reference."""
    named = hub.local(conversion.lora.base_name(source), bundle) if recognize.is_adapter(source) else None
    return named or reference


def _converted(name: str, source: Path, base: Path | None, store: Store, progress: StepProgress) -> tuple[Path, dict[str, Any]]:
    """Return the folder that a checkpoint was converted into, made at most once per content, and the facts of the original."""
    takes_base = base is not None and (gguf.is_gguf(source) or recognize.is_adapter(source))
    original = _original(source, base)
    parts = {
        "original": original["fingerprint"],
        "base": hub.fingerprint(base) if takes_base and base is not None else None,
        "source": package_digest(*CONVERTING),
        "versions": library_versions(("gguf", "peft")),
    }
    key = digest(parts)
    with store.lock("conversions", key):
        kept = store.folder("conversions", key)
        if kept is None:
            progress(Step("convert", name, source_format=str(original["format"])))
            kept = store.make_folder("conversions", key, lambda made: _convert(source, made, base if takes_base else None), parts)
    return kept[0], original


def _convert(source: Path, made: Path, base: Path | None) -> dict[str, Any]:
    with quiet_with_captured_output():
        conversion.convert(source, made, base)
    return {}


def _original(source: Path, base: Path | None) -> dict[str, Any]:
    """Return path, fingerprint, format and bytes of a checkpoint as it is shipped, and bits per weight if its own header says them."""
    if gguf.is_gguf(source):
        header = gguf.read(source)
        with source.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        stored = sum(tensor.bytes for tensor in header.tensors.values())
        return {
            "path": str(source),
            "fingerprint": content,
            "format": gguf.describe(header),
            "bytes": source.stat().st_size,
            "bits_per_weight": 8 * stored / header.parameters if header.parameters else 0.0,
        }
    if recognize.is_adapter(source):
        # What is served is the base with the adapter beside it.
        files = [*weight_files(source), *(weight_files(base) if base is not None else [])]
        return {
            "path": str(source),
            "fingerprint": hub.fingerprint(source),
            "format": conversion.lora.describe(source),
            "bytes": sum(file.stat().st_size for file in files),
        }
    return {
        "path": str(source),
        "fingerprint": hub.fingerprint(source),
        "format": hub.describe_quantization({"quantization_config": conversion.quantization(source)}),
        "bytes": sum(file.stat().st_size for file in weight_files(source)),
    }


def _as_shipped(made: Artifact, original: Mapping[str, Any]) -> Artifact:
    """Return the artifact with the size of the original files, which are shipped, in place of the converted ones."""
    size = int(original["bytes"])
    bits = original.get("bits_per_weight") or (8 * size / made.parameters if made.parameters else 0.0)
    return made.model_copy(update={"bytes": size, "bits_per_weight": bits})


def _recorded(folder: Path, fingerprint: str) -> dict[str, Any]:
    """Return cost fields (seconds, bytes, joules, tokens) from the folder's unicomp.json; empty if it is absent or its fingerprint differs."""
    try:
        said = read_object(folder / RECORD)
    except ForeignFile:
        return {}
    if said.get("fingerprint") != fingerprint:
        return {}
    names = {
        "compress_seconds": "seconds",
        "compress_peak_bytes": "peak_bytes",
        "compress_joules": "joules",
        "training_tokens": "training_tokens",
    }
    return {name: said[key] for name, key in names.items() if isinstance(said.get(key), (int, float)) and said[key] >= 0}
