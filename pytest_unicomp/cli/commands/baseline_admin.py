"""`unicomp baselines`: lists stored evidence, finds baselines that nothing reads, and stores the evidence of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem, nearest
from pytest_unicomp.api.foreign import require_regular
from pytest_unicomp.api.records import Check, Measurement, Report
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.benchmarks import configured
from pytest_unicomp.cli.verify import evidence
from pytest_unicomp.store.baselines import Baselines, condense, same_evidence
from pytest_unicomp.store.local import Store


@dataclass(frozen=True)
class StoredBaseline:
    """One baseline: folder names of model and recipe, the numbers of its measurement, and its file."""

    model: str
    recipe: str
    benchmark: str
    n: int
    value: float | None
    stderr: float | None
    metric: str
    created: str
    machine: str
    bytes: int
    path: str


def files(root: Path) -> list[Path]:
    """Return the baseline files below a folder, `MODEL/RECIPE/BENCHMARK.json`, in the order of their names."""
    return sorted(root.glob("*/*/*.json"))


def read(path: Path) -> Measurement:
    """Return the measurement of one file; raise UsageProblem if it is not a baseline."""
    root = path.parent.parent.parent
    found = _read(Baselines(root, root), path.parent.parent.name, path.parent.name, path.stem)
    if found is None:
        require_regular(path)
        raise UsageProblem(f"unicomp: {path} was removed meanwhile; list again.")
    return found


def _read(stored: Baselines, model: str, recipe: str, benchmark: str) -> Measurement | None:
    """Return a baseline, or None; raise UsageProblem if its file is none. In a gate that is an error of one check, here it is the input."""
    try:
        return stored.read(model, recipe, benchmark)
    except InfrastructureError as error:
        raise UsageProblem(str(error)) from error


def list_stored(root: Path, *, model: str | None = None) -> Iterator[StoredBaseline]:
    """List the baselines below a folder, of one model or of all; raise UsageProblem if that model has none."""
    found = [path for path in files(root) if model is None or path.parent.parent.name == folder_of(model)]
    if not found and model is not None:
        known = sorted({path.parent.parent.name for path in files(root)})
        raise UsageProblem(f"unicomp: {root} has no baselines of {model!r}.{nearest(folder_of(model), known)}")
    for path in found:
        kept = read(path)
        yield StoredBaseline(
            model=path.parent.parent.name,
            recipe=path.parent.name,
            benchmark=path.stem,
            n=kept.n,
            value=kept.value,
            stderr=kept.stderr,
            metric=kept.metric,
            created=kept.created,
            machine=kept.machine,
            bytes=path.stat().st_size,
            path=str(path),
        )


def folder_of(model: str) -> str:
    """Return the folder name of a model's baselines."""
    return Baselines(Path(), Path()).path(model, "recipe", "benchmark").parent.parent.name


def details(root: Path, model: str, recipe: str, benchmark: str) -> dict[str, Any]:
    """Return one baseline without its items; raise UsageProblem if there is none."""
    stored = Baselines(root, root)
    kept = _read(stored, model, recipe, benchmark)
    if kept is None:
        wanted = stored.path(model, recipe, benchmark)
        known = [f"{path.parent.name}/{path.stem}" for path in files(root) if path.parent.parent.name == folder_of(model)]
        raise UsageProblem(f"unicomp: no baseline {wanted}.{nearest(f'{wanted.parent.name}/{benchmark}', known)}")
    return kept.model_dump(mode="json", exclude={"items"})


def orphans(root: Path, recipes: Iterable[str]) -> list[tuple[Path, str]]:
    """Return the baselines that no run can read, each with the reason: their recipe or benchmark does not exist.

    Candidates made elsewhere may have any name, so an unknown recipe is a hint and not an error.
    """
    names = {*recipes, "dense"}
    known = benchmarks().entries
    found = []
    for path in files(root):
        if path.stem not in known and not _is_defined(path):
            found.append((path, f"there is no benchmark {path.stem!r}.{nearest(path.stem, known)}"))
        elif path.parent.name.partition("@")[0] not in names:
            found.append((path, f"there is no recipe {path.parent.name!r}; expected for a candidate made elsewhere"))
    return found


def _is_defined(path: Path) -> bool:
    """Return True if the benchmark of a baseline is defined by the configuration file in the current folder, or is a task of lm-eval."""
    try:
        name = read(path).benchmark
        return name in configured.here([name])
    except UsageProblem:
        return False


@dataclass(frozen=True)
class Accepted:
    """A baseline written from a run's evidence: the outcome of the run's drift check, and the file."""

    recipe: str
    benchmark: str
    before: str
    difference: float | None
    interval: tuple[float, float] | None
    path: str

    def row(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def accept(report: Report, store: Store, baselines: Baselines, *, only: Iterable[str]) -> list[Accepted]:
    """Store the evidence of a report as baselines unless the same is stored already; `only` names recipes (empty: all).

    Raises UsageProblem for a recipe that is not in the report, and for evidence that the store no longer holds or that has changed.
    """
    wanted = list(only)
    judged = {check.recipe for check in report.checks}
    for name in wanted:
        if name not in judged:
            raise UsageProblem(f"unicomp: the report has no recipe {name!r}.{nearest(name, judged)}")
    if report.reference is None:
        raise UsageProblem("unicomp: the report names no reference model; expected one, since baselines are stored by model.")
    found = []
    for check in report.checks:
        if check.question == "retention" and check.sources and (not wanted or check.recipe in wanted) and not _in_parts(check):
            written = _accept(report.reference.model, check, report, store, baselines)
            found += [written] if written else []
    return found


def require_unfailed(report: Report, *, only: Iterable[str]) -> None:
    """Raise UsageProblem if a recipe that gates failed, or could not be measured, in anything but its drift; `only` names recipes (empty: all)."""
    wanted = set(only)
    for recipe in report.recipes:
        if not recipe.gates or (wanted and recipe.recipe not in wanted):
            continue
        lost = [found.capability for found in recipe.capabilities if found.verdict in ("fail", "error") and not found.waived]
        lost += [
            f"{check.benchmark} ({check.question})"
            for check in report.checks
            if check.recipe == recipe.recipe
            and check.question not in ("drift", "retention", "calibration")
            and check.verdict in ("fail", "error")
            and not check.waived
        ]
        if lost:
            raise UsageProblem(
                f"unicomp: {recipe.recipe} did not pass ({', '.join(lost)}), and a baseline of it would make that the standard; "
                "name other recipes with --recipe, or give --even-if-failed."
            )


def _in_parts(check: Check) -> bool:
    return any(source.part for source in check.sources)


def _accept(model: str, check: Check, report: Report, store: Store, baselines: Baselines) -> Accepted | None:
    source = next(source for source in check.sources if source.side == "candidate")
    try:
        measured = evidence.Evidence(store).measurement(source)
    except evidence.Gone as gone:
        raise UsageProblem(f"unicomp: {check.recipe} on {check.benchmark}: {gone.note}; give the run's --cache.") from gone
    try:
        kept, absent = baselines.read(model, check.recipe, check.benchmark), "no baseline"
    except InfrastructureError:
        kept, absent = None, "a damaged baseline"
    if kept is not None and same_evidence(kept, condense(measured)):
        return None
    drifted = next(
        (one for one in report.checks if (one.recipe, one.benchmark, one.question) == (check.recipe, check.benchmark, "drift")), None
    )
    path = baselines.write(model, check.recipe, measured)
    return Accepted(
        recipe=check.recipe,
        benchmark=check.benchmark,
        before=absent if kept is None else "not compared in that run" if drifted is None else f"{drifted.verdict}: {drifted.reason}",
        difference=drifted.difference if drifted else None,
        interval=drifted.interval if drifted else None,
        path=str(path),
    )
