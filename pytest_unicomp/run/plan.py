"""Stage 1: options -> plan. Names become cells (recipe x benchmark); nothing heavy is imported and nothing is run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_unicomp.api.errors import MissingPiece, UsageProblem, nearest
from pytest_unicomp.api.protocols import Benchmark, Evaluation, ItemBenchmark, Kind, Method
from pytest_unicomp.api.records import Dimension, Family
from pytest_unicomp.api.registry import Table, benchmarks, missing_libraries
from pytest_unicomp.config.backend import SERVER, LmEvalBackend
from pytest_unicomp.config.evaluated_by import evaluated_by
from pytest_unicomp.config.parsers import served
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.engine.serving.endpoint import Endpoint
from pytest_unicomp.methods import configured
from pytest_unicomp.methods.dense import Dense

# What has no recipe is asked of the reference itself.
REFERENCE = "reference"
SETS = ("nano", "performance", "reliability", "trustllm", "efficiency", "paper")
# The set of all benchmarks whose data the bundle holds.
BUNDLE = "bundle"


@dataclass(frozen=True)
class Candidate:
    """One thing to be judged: a recipe to make (`method`), or a checkpoint made elsewhere (`source`).

    `instead_of` names the recipe that this one differs from in nothing but its `calibration` text (None: that of the run).
    """

    name: str
    family: Family
    gates: bool
    source: str | None = None
    method: Method | None = None
    calibration: str | None = None
    instead_of: str | None = None

    @property
    def address(self) -> str | None:
        """Return the address at which the candidate is served already; None for one that has files here or will have."""
        return self.source if self.source is not None and served(self.source) else None

    @property
    def is_reference(self) -> bool:
        """Return True if nothing is made: the artifact is the reference itself."""
        return isinstance(self.method, Dense)

    @property
    def calibrated(self) -> bool:
        """Return True if making it takes calibration text."""
        return self.method is not None and self.method.calibrated

    def takes(self, kind: Kind, *, served_reference: bool) -> bool:
        """Return True if a kind of benchmark applies to it.

        Of a served model there are no files, and its timings need a reference that is served too, and prompts of a known length, which chat endpoints
        do not take; calibration text changes neither size nor speed.
        """
        if kind in ("items", "kernel"):
            return kind == "items"
        if self.address is not None:
            return kind == "latency" and served_reference and not Endpoint.parse(self.address).chat
        return self.instead_of is None


@dataclass(frozen=True)
class Cell:
    """One recipe on one benchmark: the unit that is promised, measured and judged."""

    recipe: str
    family: Family
    gates: bool
    benchmark: str
    kind: Kind
    dimension: Dimension
    capability: str
    seed: int

    def __str__(self) -> str:
        """Return the name used in test ids: recipe and benchmark; of a pooled cell, recipe and capability."""
        return f"{self.recipe}-{self.benchmark or self.capability}"


@dataclass(frozen=True)
class Plan:
    """The cells of a run, in the order in which it measures them."""

    model: str
    candidates: tuple[Candidate, ...]
    benchmarks: tuple[str, ...]
    cells: tuple[Cell, ...]
    # What a reader must know of the bundle: what the set `bundle` leaves out, what stands in for something else.
    notes: tuple[str, ...] = ()

    def of_kind(self, kind: Kind) -> tuple[Cell, ...]:
        """Return the cells whose benchmark is of a kind."""
        return tuple(cell for cell in self.cells if cell.kind == kind)

    def artifacts(self) -> tuple[Cell, ...]:
        """Return one cell per candidate for what is asked of the artifact itself (benchmark "artifact")."""
        first = {cell.recipe: cell for cell in reversed(self.cells)}
        return tuple(
            replace(first[candidate.name], benchmark="artifact", kind="size", dimension="efficiency", capability="inference_footprint")
            for candidate in self.candidates
            if candidate.address is None and candidate.name in first
        )

    def holding(self, names: Iterable[str]) -> tuple[Cell, ...]:
        """Return the cells of the named benchmarks that score items."""
        chosen = set(names)
        return tuple(cell for cell in self.of_kind("items") if cell.benchmark in chosen)

    def kernels(self) -> tuple[Cell, ...]:
        """Return one cell per benchmark of a format's kernel: it is asked of the reference's layers, whatever the recipes, and gates nothing."""
        table = benchmarks()
        return tuple(
            _cell(Candidate(REFERENCE, "none", False), name, table[name], self.cells[0].seed if self.cells else 0)
            for name in self.benchmarks
            if table[name].kind == "kernel"
        )

    def retargeted(self) -> tuple[Cell, ...]:
        """Return the cells of the candidates that differ from another one in their calibration text alone."""
        names = {candidate.name for candidate in self.candidates if candidate.instead_of is not None}
        return tuple(cell for cell in self.cells if cell.recipe in names)

    def candidate(self, name: str) -> Candidate:
        """Return the candidate of a name."""
        return next(candidate for candidate in self.candidates if candidate.name == name)

    def pooled(self) -> tuple[Cell, ...]:
        """Return one cell per candidate and capability that has scored items (benchmark empty)."""
        return tuple(dict.fromkeys(replace(cell, benchmark="") for cell in self.of_kind("items")))


def expand(names: Iterable[str], *, model: str) -> tuple[str, ...]:
    """Replace set names by their members, in the registry's order; benchmarks of the embedded model are left out for any other model, unless `nano` is named.

    Raises UsageProblem for a name that is neither a set nor a benchmark, and if nothing is left.
    """
    table = benchmarks()
    chosen: list[str] = []
    for name in names:
        if name in SETS:
            members = [other for other, entry in table.items() if name in entry.sets]
            chosen += [other for other in members if table[other].only_model in (None, model, name)]
        elif name in table:
            chosen.append(name)
        else:
            raise UsageProblem(
                f"unicomp: no benchmark or set named {name!r}.{nearest(name, [*SETS, BUNDLE, *table])} `unicomp benchmarks` lists all; sets: {', '.join((*SETS, BUNDLE))}."
            )
    if not chosen:
        raise UsageProblem(
            f"unicomp: the benchmarks {', '.join(names)} select nothing for the model {model!r}; `unicomp benchmarks` lists all."
        )
    return tuple(dict.fromkeys(chosen))


def _recipes(names: Iterable[str], table: Table[Method]) -> list[str]:
    chosen: list[str] = []
    for name in names:
        chosen += list(table) if name == "all" else [name]
    for name in chosen:
        missing = missing_libraries(table[name].requires)
        if missing:
            raise UsageProblem(
                f"unicomp: recipe {name!r} needs {', '.join(missing)}, which is not installed here; pip install {' '.join(missing)}."
            )
    return list(dict.fromkeys(chosen))


def candidates(settings: Settings) -> tuple[Candidate, ...]:
    """List what is judged, the gating ones first; a recipe named in both lists gates."""
    table = configured.table(settings.recipes, settings.locations)
    gating = _recipes(settings.recipe, table)
    informing = [name for name in _recipes(settings.inform, table) if name not in gating]
    found = [Candidate(name, table[name].family, True, method=table[name]) for name in gating]
    for source in settings.candidate:
        name, unmistakable = candidate_names(source)
        taken = {*table, *(other.name for other in found)}
        found.append(Candidate(name if name not in taken else unmistakable, "candidate", True, source))
    found += [Candidate(name, table[name].family, False, method=table[name]) for name in informing]
    if settings.calibration_target is not None:
        found += _retargeted(found, settings.calibration_target)
    if not found:
        raise UsageProblem("unicomp: nothing to judge: give --unicomp-recipe, --unicomp-inform or --unicomp-candidate.")
    return tuple(found)


def candidate_names(source: str) -> tuple[str, str]:
    """Return the name of a checkpoint or server made elsewhere, and the one that it has if the first is taken."""
    return Endpoint.parse(source).name if served(source) else Path(source).name or source, f"candidate:{source}"


def _retargeted(found: Sequence[Candidate], target: str) -> list[Candidate]:
    """List the pruned, calibrated recipes once more, to be made with the target's text; they inform."""
    pruned = [
        candidate for candidate in found if candidate.family == "pruning" and candidate.method is not None and candidate.method.calibrated
    ]
    if not pruned:
        raise UsageProblem(
            f"unicomp: --unicomp-calibration-target={target} is for pruned recipes with calibration text, and this run has none; "
            "give --unicomp-recipe=wanda-50, for example."
        )
    return [
        replace(candidate, name=f"{candidate.name}@{target}", gates=False, calibration=target, instead_of=candidate.name)
        for candidate in pruned
    ]


def plan(settings: Settings, evaluation: Evaluation) -> Plan:
    """Check every name and every benchmark's data, and lay out the cells, those of one candidate together."""
    if settings.model is None:
        raise UsageProblem("unicomp: no model: give --unicomp-model=NAME (`nano` is the embedded one).")
    judged = candidates(settings)
    named, left_out = _from_bundle(settings.benchmark, evaluation)
    names = expand(named, model=settings.model)
    table = benchmarks()
    lacking = _lacking(names, evaluation)
    if lacking and evaluation.bundle is not None:
        raise UsageProblem(missing_pieces(lacking, evaluation.bundle))
    served_reference = settings.backend == SERVER or served(settings.reference)
    return Plan(
        model=settings.model,
        candidates=judged,
        benchmarks=names,
        cells=tuple(
            _cell(candidate, name, table[name], settings.seed)
            for candidate in judged
            for name in names
            if candidate.takes(table[name].kind, served_reference=served_reference)
            # Its classes are not loaded as they would be served.
            and (table[name].kind != "latency" or LmEvalBackend.of(evaluated_by(settings, candidate.name).backend) is None)
        ),
        notes=(*left_out, *_substitutions(names, evaluation)),
    )


def _from_bundle(names: Sequence[str], evaluation: Evaluation) -> tuple[list[str], tuple[str, ...]]:
    """Replace the set `bundle` by what the bundle has the data of; return with it a line on what was left out, and for want of what."""
    if BUNDLE not in names:
        return list(names), ()
    if evaluation.bundle is None:
        raise UsageProblem(f"unicomp: the set {BUNDLE!r} is what a bundle holds; give --unicomp-bundle=DIR.")
    wanted = [name for name, entry in benchmarks().items() if isinstance(entry, ItemBenchmark) and entry.pieces()]
    lacking = _lacking(wanted, evaluation)
    there = [name for name in wanted if name not in lacking]
    chosen = [member for name in names for member in (there if name == BUNDLE else [name])]
    wanting = ", ".join(dict.fromkeys(problem.what for problem in lacking.values()))
    return chosen, (f"left out, {len(lacking)} benchmarks: the bundle lacks {wanting}",) if lacking else ()


def _substitutions(names: Iterable[str], evaluation: Evaluation) -> list[str]:
    """Return a line for each benchmark that says that something else stands in for its data."""
    found = ((name, benchmarks()[name].substitution(evaluation)) for name in names)
    return [f"{name}: {phrase}" for name, phrase in found if phrase is not None]


def _lacking(names: Iterable[str], evaluation: Evaluation) -> dict[str, MissingPiece]:
    """Check what each benchmark needs; return what the bundle lacks of it, and raise UsageProblem for anything else that is wrong."""
    found: dict[str, MissingPiece] = {}
    for name in names:
        try:
            benchmarks()[name].validate(evaluation)
        except MissingPiece as problem:
            found[name] = problem
    return found


def missing_pieces(lacking: Mapping[str, MissingPiece], bundle: Path) -> str:
    """Return one line: what the bundle lacks for which benchmarks, and what to type with and without a network."""
    users: dict[str, list[str]] = {}
    for name, problem in lacking.items():
        users.setdefault(problem.what, []).append(name)
    first = next(iter(lacking.values()))
    pieces = "; ".join(f"{what} ({names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''})" for what, names in users.items())
    place = f" at {first.where}.{first.near}" if len(users) == 1 else f" in {bundle}."
    return (
        f"unicomp: the bundle lacks {pieces}: not there{place} Where there is a network: unicomp prefetch --benchmark {','.join(lacking)} "
        f"--bundle {bundle}. --unicomp-benchmark={BUNDLE} runs what it holds."
    )


def _cell(candidate: Candidate, name: str, benchmark: Benchmark, seed: int) -> Cell:
    return Cell(
        recipe=candidate.name,
        family=candidate.family,
        gates=candidate.gates,
        benchmark=name,
        kind=benchmark.kind,
        dimension=benchmark.dimension,
        capability=benchmark.capability,
        seed=seed,
    )
