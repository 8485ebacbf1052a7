"""Asks of an artifact what every shipped checkpoint must be: readable, finite, as sparse or as small as its recipe says, same tokenizer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pytest_unicomp.records import Artifact, Check, Estimate, Family

SPARSITY_SLACK = 0.001
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")


def problems(artifact: Artifact, reference: Artifact) -> list[str]:
    """Return what is wrong, one sentence each; empty where the artifact is sound. Reads every weight once."""
    inspections: tuple[Callable[[Artifact, Artifact], Iterator[str]], ...] = (_format, _finite, _sparsity, _pattern, _size, _tokenizer)
    return [problem for inspect in inspections for problem in inspect(artifact, reference)]


def check(artifact: Artifact, found: list[str], *, recipe: str, family: Family, gates: bool, confidence: float) -> Check:
    """Turn the problems into a check: it passes iff there are none."""
    return Check(
        recipe=recipe,
        family=family,
        gates=gates,
        benchmark="artifact",
        dimension="efficiency",
        capability="inference_footprint",
        question="artifact",
        metric="problems",
        higher_is_better=False,
        n=1,
        candidate=Estimate(value=float(len(found))),
        confidence=confidence,
        margin=0.0,
        verdict="fail" if found else "pass",
        reason="; ".join(found)
        if found
        else f"sound checkpoint: {artifact.bits_per_weight:.2f} bits per weight, {100 * artifact.sparsity:.1f} % of the decoder's weights are zero; exact, so no interval",
    )


def _format(artifact: Artifact, reference: Artifact) -> Iterator[str]:
    folder = Path(artifact.path)
    if not any(folder.glob("*.safetensors")):
        yield "it holds no safetensors file"
    pickled = sorted(file.name for pattern in PICKLES for file in folder.glob(pattern))
    if pickled:
        yield f"it holds files that run code when they are read: {', '.join(pickled)}; ship safetensors only"


def _weights(folder: Path) -> Iterator[tuple[str, Any]]:
    from safetensors import safe_open

    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - safe_open is no mapping
                yield name, tensors.get_tensor(name)


def _finite(artifact: Artifact, reference: Artifact) -> Iterator[str]:
    for name, tensor in _weights(Path(artifact.path)):
        if tensor.is_floating_point() and not bool(tensor.float().isfinite().all()):
            yield f"weight {name} holds NaN or infinity"


def _sparsity(artifact: Artifact, reference: Artifact) -> Iterator[str]:
    wanted = artifact.settings.get("sparsity")
    if artifact.family == "pruning" and wanted is not None and artifact.sparsity < wanted - SPARSITY_SLACK:
        yield f"{100 * artifact.sparsity:.2f} % of the decoder's weights are zero, its recipe says {100 * wanted:g} %"


def _pattern(artifact: Artifact, reference: Artifact) -> Iterator[str]:
    """N:M sparsity as its recipe's mask structure says, for example "2:4": N zeros in each M neighbouring inputs."""
    zeros, _, group = str(artifact.settings.get("pattern", "0:0")).partition(":")
    if artifact.family != "pruning" or not int(group or 0):
        return
    for name, tensor in _weights(Path(artifact.path)):
        if name.endswith("_proj.weight") and tensor.shape[-1] % int(group) == 0:
            counted = (tensor.reshape(-1, int(group)) == 0).sum(dim=-1)
            if bool((counted < int(zeros)).any()):
                yield f"weight {name} breaks the {zeros}:{group} pattern that sparse kernels need"


def _size(artifact: Artifact, reference: Artifact) -> Iterator[str]:
    if artifact.family == "quantization" and artifact.bytes >= reference.bytes:
        yield f"quantized, yet its {artifact.bytes} bytes are not fewer than the reference's {reference.bytes}"


def _tokenizer(artifact: Artifact, reference: Artifact) -> Iterator[str]:
    for name in TOKENIZER_FILES:
        theirs, ours = Path(reference.path) / name, Path(artifact.path) / name
        if theirs.exists() and ours.exists() and _vocabulary(theirs) != _vocabulary(ours):
            yield f"its {name} differs from the reference's, so equal prompts are not equal tokens"


def _vocabulary(path: Path) -> str:
    """Digest of a tokenizer file; of tokenizer.json only what maps text to tokens, since saving adds padding settings."""
    import json

    if path.name != "tokenizer.json":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    content = json.loads(path.read_text(encoding="utf-8"))
    kept = {key: content.get(key) for key in ("model", "added_tokens", "normalizer", "pre_tokenizer", "decoder")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
