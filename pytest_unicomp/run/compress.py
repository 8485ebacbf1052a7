"""Stage 2: model x recipe -> Artifact, made once per content and kept in the store as an ordinary checkpoint folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError, UnicompError, UsageProblem, clear_frames, one_line
from pytest_unicomp.api.protocols import Calibration, CompressionJob, Method, Progress
from pytest_unicomp.api.records import Artifact, CalibrationText, Model
from pytest_unicomp.api.registry import package
from pytest_unicomp.api.source_digest import source_digest
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.checkpoints.model_config import configuration
from pytest_unicomp.engine.host import nvml
from pytest_unicomp.engine.host.memory import free_unused, peak_memory
from pytest_unicomp.methods import invocation
from pytest_unicomp.methods.composition import Composition
from pytest_unicomp.run.step import Step, StepProgress
from pytest_unicomp.store.local import Store, digest, file_digest, write_text

LIBRARIES = ("torch", "transformers", "llmcompressor", "compressed-tensors")
RECORD = "unicomp.json"


@dataclass(frozen=True)
class Compression:
    """The surroundings in which artifacts are made: store, seed, device, what identifies the calibration text, a function that draws it when needed, and the
    callbacks for each artifact (`progress`) and for what happens inside one (`detail`)."""

    store: Store
    seed: int
    device: str
    calibration_identity: Callable[[], dict[str, Any]]
    calibration: Callable[[], Calibration]
    progress: StepProgress
    detail: Progress


def require_supported(config: Mapping[str, Any], name: str, recipe: str, method: Method) -> None:
    """Raise UsageProblem if the method cannot compress the model `name` of this configuration."""
    if reason := method.refusal(config):
        raise UsageProblem(
            f"unicomp: recipe {recipe!r} cannot compress {name} ({config.get('model_type', 'unknown architecture')}): {reason}; "
            "choose another recipe: `unicomp methods` shows which take what."
        )


def changed_settings(config: Mapping[str, Any], method: Method) -> list[str]:
    """Return each setting that a model of this configuration changes, such as "group 64 instead of 128"."""
    pairs = zip(_steps(method), _steps(invocation.for_model(method, config)), strict=True)
    return [
        f"{name} {value} instead of {before.settings().get(name, 'the default')}"
        for before, after in pairs
        for name, value in after.settings().items()
        if value != before.settings().get(name)
    ]


def _steps(method: Method) -> tuple[Method, ...]:
    return method.steps if isinstance(method, Composition) else (method,)


def compress(model: Model, recipe: str, method: Method, how: Compression) -> Artifact:
    """Make the artifact, or find it in the store; processes that want the same one wait for the first.

    Raises UsageProblem if the method cannot compress the model, InfrastructureError if it fails; its partial output is deleted.
    """
    require_supported(configuration(Path(model.path)), model.name, recipe, method)
    method = invocation.for_model(method, configuration(Path(model.path)))
    parts = _shaped_by(model, method, how)
    key = digest(parts)
    with how.store.lock("artifacts", key):
        kept = how.store.folder("artifacts", key)
        if kept is None:
            how.progress(Step("compress", recipe))
            with how.store.scratch("artifacts", key) as scratch:
                kept = how.store.make_folder("artifacts", key, lambda folder: _make(model, recipe, method, how, folder, scratch), parts)
    folder, record = kept
    return Artifact.model_validate({**record, "recipe": recipe, "path": str(folder)})


def is_stored(model: Model, method: Method, how: Compression) -> bool:
    """Return True if the store holds the artifact that `compress` would make."""
    parts = _shaped_by(model, invocation.for_model(method, configuration(Path(model.path))), how)
    return how.store.folder("artifacts", digest(parts)) is not None


def _shaped_by(model: Model, method: Method, how: Compression) -> dict[str, Any]:
    """Return all that an artifact depends on, the method with the settings that this model takes."""
    return {
        "model": model.fingerprint,
        # Methods with equal settings may share a package, and so the digest of its code.
        "methods": [[type(step).__module__, type(step).__qualname__, step.method] for step in _steps(method)],
        "settings": method.settings(),
        "calibration": how.calibration_identity() if method.calibrated else None,
        "seed": how.seed,
        "versions": library_versions(map(package, method.requires)),
        "source": [source_digest(step) for step in _steps(method)],
    }


def _make(model: Model, recipe: str, method: Method, how: Compression, folder: Path, scratch: Path) -> dict[str, Any]:
    drawn: list[CalibrationText] = []
    calibration = _counted(how.calibration(), drawn) if method.calibrated else None
    started, joules = time.perf_counter(), nvml.energy_joules(how.device)
    with peak_memory(how.device) as peak:
        try:
            invocation.compress(method, CompressionJob(Path(model.path), folder, calibration, how.seed, how.device, how.detail, scratch))
        except UnicompError:
            raise
        except Exception as error:
            # A method calls libraries that document no errors, and may be a stranger's: whatever it raises, this recipe alone is broken.
            failure = InfrastructureError(f"unicomp: recipe {recipe!r} failed on {model.name}: {type(error).__name__}: {one_line(error)}")
            clear_frames(error)
            raise failure from error
    seconds, used = time.perf_counter() - started, nvml.energy_joules(how.device)
    free_unused()
    artifact = described(folder, recipe=recipe, family=method.family, settings={"method": method.method, **method.settings()})
    artifact = artifact.model_copy(
        update={
            "calibration": drawn[-1] if drawn else None,
            "compress_seconds": seconds,
            "compress_peak_bytes": peak.growth,
            "compress_joules": None if used is None or joules is None else used - joules,
            "training_tokens": _trained(folder),
        }
    )
    write_text(folder / RECORD, json.dumps(_provenance(model, artifact, method, how), indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return artifact.model_dump(mode="json")


def _provenance(model: Model, artifact: Artifact, method: Method, how: Compression) -> dict[str, Any]:
    """Return the content of unicomp.json, saved with the weights so that a copied folder still has its provenance.

    Seconds are those of the method's work, `peak_bytes` the highest memory on `device` (null if the system does not count it).
    """
    return {
        "schema": "unicomp-artifact/1",
        "recipe": artifact.recipe,
        "family": artifact.family,
        "settings": artifact.settings,
        "reference": {"model": model.name, "fingerprint": model.fingerprint},
        "fingerprint": artifact.fingerprint,
        "calibration": artifact.calibration.model_dump(mode="json") if artifact.calibration else None,
        "seed": how.seed,
        "device": how.device,
        "versions": library_versions(map(package, method.requires)),
        "seconds": artifact.compress_seconds,
        "peak_bytes": artifact.compress_peak_bytes,
        "joules": artifact.compress_joules,
        "training_tokens": artifact.training_tokens,
    }


def _trained(folder: Path) -> int | None:
    """Return the tokens that a distillation trained on, its teacher's correction not counted, as it noted them; None for what trains nothing."""
    notes = folder / "distillation.json"
    if not notes.is_file():
        return None
    tokens = json.loads(notes.read_text(encoding="utf-8")).get("text", {}).get("trained_tokens")
    return None if tokens is None else int(tokens)


def _counted(calibration: Calibration, drawn: list[CalibrationText]) -> Calibration:
    """Return the same texts, and have every enlargement that the method asks for added to `drawn`, so that the artifact names what it saw."""
    drawn.append(calibration.record)
    more = calibration.more
    return calibration if more is None else replace(calibration, more=lambda samples: _counted(more(samples), drawn))


def described(folder: Path, *, digest_of: Callable[[Path], str] = file_digest, **identity: Any) -> Artifact:
    """Return the artifact record of a checkpoint folder, read from its files; `digest_of` gives the sha256 of a file."""
    facts = hub.facts(folder)
    return Artifact(
        **identity,
        path=str(folder),
        fingerprint=hub.fingerprint(folder, digest_of=digest_of),
        parameters=facts.parameters,
        bytes=facts.bytes,
        bits_per_weight=facts.bits_per_weight,
        sparsity=facts.sparsity,
    )


def library_versions(others: Iterable[str]) -> dict[str, str]:
    """Return the versions of the libraries that every artifact depends on, and of the other packages that are named."""
    return {library: _version(library) for library in dict.fromkeys((*LIBRARIES, *others))}


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"
