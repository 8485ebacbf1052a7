"""From a report to the loss that is located: which items, which two models, and the lines to print."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem, guarded, nearest
from pytest_unicomp.api.records import Artifact, Check, LocatedLoss, Measurement, Report
from pytest_unicomp.benchmarks import configured
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.cli.verify.evidence import Evidence, Gone
from pytest_unicomp.config.evaluation import evaluation_of
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.config.settings import Settings, shaping
from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.loading import NAME
from pytest_unicomp.report.numbers import ascii_only
from pytest_unicomp.report.words import LOSS_UNITS
from pytest_unicomp.run import adopt
from pytest_unicomp.run.locate_loss import Loss, locate, lost_items, unit_of
from pytest_unicomp.store.local import Store

WIDEST_BAR = 24


def located(
    report: Report, recipe: str, capability: str, *, store: Store, bundle: Path | None, items: int, passes: int, alpha: float
) -> LocatedLoss:
    """Return where the loss of a recipe in a capability lies, on the benchmark of that capability that lost most.

    Raises UsageProblem if the report has no such recipe, capability or loss, or if the two models are not of one shape, InfrastructureError if
    a model or the evidence is not on this machine any more.
    """
    if items < 2:
        raise UsageProblem(f"unicomp: --items is {items}; expected at least 2.")
    check = _check(report, recipe, capability)
    reference, candidate = _evidence(check, store)
    chosen = lost_items(reference, candidate, most=items)
    if len(chosen) < 2:
        raise UsageProblem(
            f"unicomp: {recipe} scores {len(chosen)} of {check.n} items of {check.benchmark} worse than the reference; expected at least 2."
        )
    settings = _settings(report, reference, bundle)
    loss = Loss(recipe, capability, check.benchmark, chosen, unit_of(reference), evaluation_of(settings))
    if loss.unit != "reply":
        # Replies are scored from the evidence alone; anything else is asked again, so the benchmark must be defined here.
        loss = replace(loss, table=configured.here([check.benchmark]))
        loss.table[check.benchmark]
    base, own = _reference_folder(report, bundle, store), _candidate_folder(report, recipe, store)
    from pytest_unicomp import engine

    device = host.resolve_device("auto")
    first = guarded(lambda: engine.load(base, device=device, dtype=settings.dtype), "loading the reference")
    second = guarded(lambda: engine.load(own, device=device, dtype=settings.dtype), f"loading {recipe}")
    try:
        return locate(loss, first, second, passes=passes, alpha=alpha, progress=_say)
    finally:
        first.release()
        second.release()


def lines(found: LocatedLoss) -> list[str]:
    """Return the located loss as lines: what was lost, a bar per part in the order of the model, and the parts that carry it."""
    low, high = found.lost_interval
    width = max(len(part.name) for part in found.parts)
    percent = f"{100 * found.confidence:.4g} %"
    head = [
        f"{found.recipe} on {found.benchmark}: {found.n} items that the reference answers better",
        f"lost on average: {found.lost:.3f} ({percent} interval {low:.3f} to {high:.3f}) of {ascii_only(LOSS_UNITS[found.unit])}",
        "comes back if the reference's weights are put back:",
    ]
    rows = []
    for part in found.parts:
        ends = [100 * end / found.lost for end in part.interval]
        bar = "#" * max(0, min(WIDEST_BAR, math.ceil(part.share * WIDEST_BAR - 0.5)))
        rows.append(f"  {part.name:{width}}  {100 * part.share:4.0f} %  [{ends[0]:.0f} %, {ends[1]:.0f} %]".ljust(width + 32) + bar)
    best, *others = found.carried_by
    tail = f"carried by {best}" + (f", which cannot be told apart from {', '.join(others)}" if others else ", more than by any other part")
    return [*head, *(row.rstrip() for row in rows), f"{tail}; shares of several parts need not add up to 100 %"]


def _settings(report: Report, reference: Measurement, bundle: Path | None) -> Settings:
    """Return the run's settings as far as they shape a measurement; both models are evaluated in this process."""
    if reference.conditions.engine != NAME:
        raise UsageProblem(
            f"unicomp: the scores on {reference.benchmark} come from {reference.conditions.engine}; a loss is located in models that are loaded here."
        )
    here = {"model": report.reference.model if report.reference else None, "bundle": None if bundle is None else str(bundle)}
    known = {
        option.name: report.policy[option.name] for option in shaping() if option.shapes == "measurement" and option.name in report.policy
    }
    return replace(resolve(here), **known, dtype=reference.conditions.dtype)


def _check(report: Report, recipe: str, capability: str) -> Check:
    """Return the retention check of a recipe that lost most of its margin among the benchmarks of a capability."""
    known = [row.recipe for row in report.recipes]
    if recipe not in known:
        raise UsageProblem(f"unicomp: the report has no recipe {recipe!r}; expected one of: {', '.join(known)}.{nearest(recipe, known)}")
    own = [check for check in report.checks if check.recipe == recipe and check.question == "retention"]
    capabilities = list(dict.fromkeys(check.capability for check in own))
    if capability not in capabilities:
        raise UsageProblem(
            f"unicomp: {recipe} has no scores in {capability!r}; expected one of: {', '.join(capabilities)}.{nearest(capability, capabilities)}"
        )
    scored = [check for check in own if check.capability == capability and check.difference is not None and check.sources]
    if not scored or any(source.part for check in scored for source in check.sources):
        raise UsageProblem(
            f"unicomp: {recipe} was not measured whole in {capability}, so there is no loss to locate; run it without early stopping."
        )
    return min(scored, key=lambda check: (check.difference or 0.0) / (check.margin or 1.0))


def _evidence(check: Check, store: Store) -> tuple[Measurement, Measurement]:
    try:
        return Evidence(store).pair(check)
    except Gone as gone:
        raise InfrastructureError(f"unicomp: {gone}; --cache names the store of the run.") from gone


def _reference_folder(report: Report, bundle: Path | None, store: Store) -> Path:
    if report.reference is None:
        raise UsageProblem("unicomp: the report does not describe its reference, so its blocks cannot be put back.")
    model = adopt.reference(report.reference.model, bundle, store, lambda step: None)
    if model.fingerprint != report.reference.fingerprint:
        raise InfrastructureError(
            f"unicomp: {report.reference.model} is {model.fingerprint[:12]} here and was {report.reference.fingerprint[:12]} in the run; give the same files."
        )
    return Path(model.path)


def _candidate_folder(report: Report, recipe: str, store: Store) -> Path:
    artifact: Artifact | None = next((row.artifact for row in report.recipes if row.recipe == recipe), None)
    if artifact is None or not (Path(artifact.path) / "config.json").is_file():
        place = artifact.path if artifact else "the report"
        raise InfrastructureError(f"unicomp: the weights of {recipe} are not in {place} any more; run the gate again on this machine.")
    found = hub.fingerprint(Path(artifact.path), digest_of=store.digests.of)
    if found != artifact.fingerprint:
        raise InfrastructureError(
            f"unicomp: {artifact.path} is {found[:12]} now and was {artifact.fingerprint[:12]} in the run; run the gate again."
        )
    return Path(artifact.path)


def _say(part: str) -> None:
    import typer

    typer.echo(f"unicomp: measure with {part}", err=True)
