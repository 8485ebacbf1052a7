"""Stage 5, for the artifact's files: artifact -> Check, from the static checks of `unicomp check-artifact`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pytest_unicomp.api.records import Artifact, Check, Estimate, Family
from pytest_unicomp.api.source_digest import file_digest, source_digest
from pytest_unicomp.checkpoints import checks, gguf, gguf_checks, recognize
from pytest_unicomp.checkpoints.checks import Finding, Promise
from pytest_unicomp.checkpoints.formats import QuantizedLayer
from pytest_unicomp.store.file_digests import file_digest as content_digest


def folder(artifact: Artifact) -> Path:
    """Return the folder that is shipped: of a candidate that was converted to be evaluated, the one that it was converted from.

    Of an adapter it is the merged checkpoint, since the adapter alone is no model.
    """
    shipped = Path(artifact.settings.get("original", {}).get("path", artifact.path))
    return Path(artifact.path) if recognize.is_adapter(shipped) else shipped


def findings(artifact: Artifact, reference: Artifact) -> list[Finding]:
    """Make every static check; a recipe's artifact must keep what its settings promise, a candidate what its own files do."""
    stated = None if artifact.family == "candidate" else Promise.of(artifact.family, artifact.settings, f"recipe {artifact.recipe}")
    shipped = folder(artifact)
    if gguf.is_gguf(shipped):
        return gguf_checks.inspect(shipped, Path(reference.path))
    return checks.inspect(shipped, Path(reference.path), stated)


def identity(artifact: Artifact, reference: Artifact, *, digest_of: Callable[[Path], str] = content_digest) -> dict[str, Any]:
    """Return the cache key of the findings: name and sha256 of every file of both folders, the recipe's promise, and digests of the checks' code.

    The artifact's fingerprint does not suffice: it covers a checkpoint's own files, and some checks look for foreign ones.
    """
    return {
        "folders": [_listing(folder(artifact), digest_of), _listing(Path(reference.path), digest_of)],
        "promise": [artifact.recipe, artifact.family, artifact.settings],
        "source": [source_digest(Finding), source_digest(QuantizedLayer), source_digest(gguf.GgufFile), file_digest(gguf_checks.__file__)],
    }


def _listing(path: Path, digest_of: Callable[[Path], str]) -> list[list[str]]:
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return [[file.relative_to(path).as_posix(), digest_of(file)] for file in files]


def check(artifact: Artifact, found: Sequence[Finding], *, recipe: str, family: Family, gates: bool, confidence: float) -> Check:
    """Turn the findings into one check: it passes if none failed; `n` counts those that apply, the value those that failed."""
    failed = [finding for finding in found if finding.status == "fail"]
    applied = [finding for finding in found if finding.status != "not_applicable"]
    bits = "unknown" if artifact.bits_per_weight is None else f"{artifact.bits_per_weight:.2f}"
    zero = "an unknown share" if artifact.sparsity is None else f"{100 * artifact.sparsity:.1f} %"
    sound = (
        f"sound checkpoint: {len(applied)} checks passed, {len(found) - len(applied)} do not apply; {bits} bits per weight, "
        f"{zero} of the decoder's weights are zero; exact, so no interval"
    )
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
        n=len(applied),
        candidate=Estimate(value=float(len(failed))),
        confidence=confidence,
        margin=0.0,
        verdict="fail" if failed else "pass",
        reason="; ".join(f"{finding.check}: {finding.found}: {finding.action}" for finding in failed) or sound,
    )
