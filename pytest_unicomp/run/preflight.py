"""Validates the settings of a run against models, data and devices, before anything is downloaded, loaded or written."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from pytest_unicomp import compare
from pytest_unicomp.api.errors import UnicompError, UsageProblem
from pytest_unicomp.api.protocols import CostBenchmark, Evaluation, KernelBenchmark
from pytest_unicomp.benchmarks import configured
from pytest_unicomp.calibration import mixture
from pytest_unicomp.checkpoints import hub, model_config, recognize
from pytest_unicomp.config import cost_limits
from pytest_unicomp.config.backend import HF
from pytest_unicomp.config.evaluation import evaluation_of
from pytest_unicomp.config.parsers import served
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.engine.host import host
from pytest_unicomp.judges import build as judges
from pytest_unicomp.methods.tokens import positions
from pytest_unicomp.run import adopt, compress, early_stopping, generation_check, policy_check, serving_check
from pytest_unicomp.run.calibrate import amount_for
from pytest_unicomp.run.candidates import EVERY_RECIPE
from pytest_unicomp.run.executors import build as executors
from pytest_unicomp.run.plan import Plan, plan
from pytest_unicomp.store.baselines import Baselines, packaged
from pytest_unicomp.store.local import Store
from pytest_unicomp.store.shared import opened

# Libraries that compress on the first visible GPU, whatever device is asked for.
FIRST_GPU = {"llmcompressor": "llm-compressor", "awq": "AutoAWQ"}


@dataclass(frozen=True)
class Prepared:
    """The beginning of a run: settings that hold together, the plan and policy that they mean, and the stores of its results."""

    settings: Settings
    plan: Plan
    policy: compare.Policy
    evaluation: Evaluation
    store: Store
    baselines: Baselines
    config: Mapping[str, Any] | None = None

    @property
    def device(self) -> str:
        """Return the device that evaluates, such as "cpu" or "cuda:0"."""
        return host.resolve_device(self.settings.device)


def preflight(settings: Settings) -> Prepared:
    """Validate the settings and return plan, policy, store and evaluation of the run; raise UsageProblem for the first fault. Runs nothing."""
    settings = configured.with_policy(_with_hub(settings), configured.of(settings))
    executors.validate(settings)
    early_stopping.validate(settings)
    judges.validate(settings.judge, settings.bundle)
    _check_device(settings)
    policy = policy_of(settings)
    store = opened(settings.cache)
    # The part on this machine; a shared part is asked when work begins.
    Store.require_writable(store)
    baselines = Baselines(settings.baselines or Path("baselines"), packaged())
    evaluation = evaluation_of(settings)
    _check_checkpoints(settings)
    config = _configuration(settings)
    planned = plan(settings, evaluation, config)
    serving_check.validate(settings, planned)
    generation_check.validate(settings, planned)
    planned = replace(planned, notes=(*planned.notes, *serving_check.notes(settings, planned)))
    _check_calibration(settings, planned)
    policy_check.validate(settings, planned)
    cost_limits.validate(settings.limits, _limitable(planned), locate=settings.location)
    _check_compressing_device(settings, planned)
    _check_kernels(settings, planned)
    if config is not None:
        planned = _with_method_notes(planned, config)
        planned = _with_amount_note(settings, planned, config)
    _check_stored_reference(settings, planned, baselines)
    return Prepared(settings, planned, policy, evaluation, store, baselines, config)


def _configuration(settings: Settings) -> Mapping[str, Any] | None:
    """Return the model's configuration, None if it is not on this machine; the hub is asked for it only if `all` recipes depend on it."""
    if settings.model is None:
        return None
    config = model_config.find(settings.model, settings.bundle)
    if config is None and EVERY_RECIPE in (*settings.recipe, *settings.inform):
        # If the hub does not give it, fetching the model reports why.
        with contextlib.suppress(UnicompError):
            return model_config.fetch(settings.model, settings.bundle)
    return config


def policy_of(settings: Settings) -> compare.Policy:
    """Return the policy that the settings mean."""
    return compare.Policy(
        alpha=settings.alpha,
        capability_margin=settings.margin,
        benchmark_margin=settings.benchmark_margin,
        drift_margin=settings.drift_margin,
        inconclusive="warn" if settings.inconclusive == "warn" else "fail",
        margins=settings.margins,
        reply_limits=settings.reply_limits,
    )


def _with_hub(settings: Settings) -> Settings:
    if settings.bundle is not None and (settings.bundle / "hub").is_dir():
        # A folder that keeps its hub beside other sources, such as TrustLLM's own layout.
        return replace(settings, bundle=settings.bundle / "hub")
    return settings


def _check_device(settings: Settings) -> None:
    missing = host.unavailable_reason(settings.device) if settings.executor != "ray" else None
    if missing is not None:
        raise UsageProblem(f"unicomp: --unicomp-device={settings.device} is not here: {missing}; expected a device that is, or auto.")


def _check_compressing_device(settings: Settings, planned: Plan) -> None:
    """Raise UsageProblem if a recipe's library would compress on another device than the one that was asked for: it takes the first visible GPU."""
    if settings.executor != "local" or host.resolve_device("auto") == "cpu":
        return
    device, visible = host.resolve_device(settings.device), len(host.accelerators())
    for candidate in planned.candidates:
        requires = set() if candidate.method is None else set(candidate.method.requires)
        library = next((FIRST_GPU[name] for name in FIRST_GPU if name in requires), None)
        spread = "awq" in requires and visible > 1
        if library is None or (device == "cuda:0" and not spread):
            continue
        hidden = (
            "CUDA_VISIBLE_DEVICES= (empty)" if device == "cpu" else f"CUDA_VISIBLE_DEVICES={device.partition(':')[2]} --unicomp-device=cuda"
        )
        places = "all visible GPUs" if spread else "the first visible GPU"
        raise UsageProblem(
            f"unicomp: --unicomp-device={settings.device}, but {library} compresses {candidate.name} on {places}; expected no other to be visible: {hidden}."
        )


def _check_checkpoints(settings: Settings) -> None:
    """Raise UsageProblem if the bundle, the model or a candidate cannot be read, or a candidate needs a conversion that is not possible."""
    if settings.bundle is not None and not settings.bundle.is_dir():
        raise UsageProblem(f"unicomp: --unicomp-bundle {settings.bundle} is not a folder; expected one in hub layout (<org>/<name>/...).")
    files = [name for name in settings.candidate if not served(name)]
    for name in (settings.model, *files):
        if name is not None:
            hub.validate(name, settings.bundle)
            _check_format(name, settings)
    for name in files:
        adopt.require_convertible(name, settings.bundle)
        if settings.model is not None:
            adopt.require_base(name, settings.bundle, settings.model)
    if settings.model is not None:
        hub.require_complete(settings.model, settings.bundle)
        adopt.require_convertible(settings.model, settings.bundle, has_base=False)


def _check_format(name: str, settings: Settings) -> None:
    """Raise UsageProblem for a format that this process cannot load, unless a server loads it; a model to be downloaded is checked after that."""
    folder = hub.local(name, settings.bundle)
    own = (table.get(key) for table in settings.candidates.values() for key in ("serve", "backend"))
    others = (settings.serve, settings.serve_candidate, settings.backend_candidate, *own)
    if settings.backend == HF and not any(others) and folder is not None and folder.is_dir():
        recognize.require_evaluable(folder, name)


def _check_calibration(settings: Settings, planned: Plan) -> None:
    if any(candidate.calibrated for candidate in planned.candidates):
        for named in filter(None, (settings.calibration, settings.calibration_target)):
            mixture.validate(named, settings.bundle, planned.model)


def _limitable(planned: Plan) -> dict[str, tuple[str, str]]:
    """Return kind and metric of each benchmark that may have a limit; kind "cost" if the reference has no such number."""
    entries = {name: planned.table[name] for name in planned.benchmarks if planned.table[name].kind in ("size", "latency")}
    return {name: ("cost" if isinstance(entry, CostBenchmark) else entry.kind, entry.metric) for name, entry in entries.items()}


def _check_kernels(settings: Settings, planned: Plan) -> None:
    for cell in planned.kernels():
        # Named by itself, not as part of a set: then a device without the kernel is an error.
        if cell.benchmark not in settings.benchmark:
            continue
        device = host.resolve_device(settings.device)
        why = cast("KernelBenchmark", planned.table[cell.benchmark]).missing(device)
        if why is not None:
            raise UsageProblem(
                f"unicomp: --unicomp-benchmark={cell.benchmark} asks for a kernel that {host.device_name(device)} lacks: {why}; "
                "leave it out, or name another device: --unicomp-device=cuda:N."
            )


def _with_method_notes(planned: Plan, config: Mapping[str, Any]) -> Plan:
    """Return the plan with a note on each recipe whose settings the model changes; raise UsageProblem for a method that cannot compress it."""
    notes = []
    for candidate in planned.candidates:
        if candidate.method is not None:
            compress.require_supported(config, planned.model, candidate.name, candidate.method)
            if changed := compress.changed_settings(config, candidate.method):
                notes.append(f"{candidate.name}: {', '.join(changed)}, as this model requires")
    return replace(planned, notes=(*planned.notes, *notes))


def _with_amount_note(settings: Settings, planned: Plan, config: Mapping[str, Any]) -> Plan:
    """Return the plan with a note on the calibration text if its default is small for the sake of this machine."""
    folder = hub.local(planned.model, settings.bundle)
    calibrated = any(candidate.calibrated for candidate in planned.candidates)
    # Ray compresses on another machine; a model that has yet to be fetched has no size yet. The artifact's record says it then.
    if not calibrated or folder is None or settings.executor == "ray":
        return planned
    context = positions(config)
    device, parameters = host.resolve_device(settings.device), hub.count_parameters(folder)
    amount = amount_for(settings, planned.model, parameters=parameters, context=context, device=device)
    note = f"calibration text: {amount.reason}; --unicomp-calibration-samples and --unicomp-calibration-tokens set others"
    return replace(planned, notes=(*planned.notes, note)) if amount.reason else planned


def _check_stored_reference(settings: Settings, planned: Plan, baselines: Baselines) -> None:
    if settings.reference != "stored":
        return
    for cell in planned.cells:
        if cell.kind == "items" and baselines.find(planned.model, "dense", cell.benchmark) is None:
            wanted = baselines.path(planned.model, "dense", cell.benchmark)
            raise UsageProblem(
                f"unicomp: --unicomp-reference=stored, but there is no evidence of the reference on {cell.benchmark} ({wanted}); "
                "make it once with --unicomp-recipe=dense --unicomp-update=missing."
            )
