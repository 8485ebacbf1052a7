"""Stage 1: options -> plan. Names become cells (recipe x benchmark); nothing heavy is imported and nothing is run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_unicomp.api import registry
from pytest_unicomp.api.errors import MissingPiece, UsageProblem, nearest
from pytest_unicomp.api.protocols import Benchmark, Evaluation, ItemBenchmark, Kind
from pytest_unicomp.api.records import Dimension, Family
from pytest_unicomp.api.registry import Table
from pytest_unicomp.api.vocabulary import SETS
from pytest_unicomp.benchmarks import configured
from pytest_unicomp.compare import Policy
from pytest_unicomp.config.backend import SERVER, LmEvalBackend
from pytest_unicomp.config.evaluated_by import evaluated_by
from pytest_unicomp.config.parsers import served
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.run.candidates import Candidate, candidates, not_makeable, omitted

# What has no recipe is asked of the reference itself.
REFERENCE = "reference"
# The set of all benchmarks whose data the bundle holds.
BUNDLE = "bundle"


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
    # Recipes that `all` would mean, but cannot be made of the model here.
    left_out: tuple[str, ...] = ()
    # The registry's benchmarks, and those that this run defines.
    table: Table[Benchmark] = field(default_factory=registry.benchmarks, repr=False, compare=False)

    def of_kind(self, kind: Kind) -> tuple[Cell, ...]:
        """Return the cells whose benchmark is of a kind."""
        return tuple(cell for cell in self.cells if cell.kind == kind)

    def artifacts(self) -> tuple[Cell, ...]:
        """Return one cell per candidate for the checks of its files (benchmark "artifact")."""
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

    def generating(self) -> tuple[Cell, ...]:
        """Return the cells of the benchmarks that are answered in generated text."""
        return tuple(
            cell
            for cell in self.of_kind("items")
            if isinstance(entry := self.table[cell.benchmark], ItemBenchmark) and not entry.reads_likelihoods
        )

    def limited_replies(self, policy: Policy) -> tuple[Cell, ...]:
        """Return the cells whose replies a policy limits."""
        limits = policy.limits_on_replies
        return tuple(cell for cell in self.generating() if limits(benchmark=cell.benchmark, capability=cell.capability))

    def kernels(self) -> tuple[Cell, ...]:
        """Return one cell per kernel benchmark. It times the reference's layers, does not depend on the recipes and never gates."""
        table = self.table
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


def expand(names: Iterable[str], *, model: str, table: Table[Benchmark] | None = None) -> tuple[str, ...]:
    """Replace set names by their members, in the registry's order; benchmarks of the embedded model are left out for any other model, unless `nano` is named.

    `table` holds the benchmarks of the run (None: the registry's). Raises UsageProblem for a name that is neither a set nor a benchmark, and if
    nothing is left.
    """
    table = registry.benchmarks() if table is None else table
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


def plan(settings: Settings, evaluation: Evaluation, config: Mapping[str, Any] | None = None) -> Plan:
    """Check every name and every benchmark's data, and lay out the cells, those of one candidate together.

    `config` is the configuration of the model, None if it is not known: the recipes that it rules out are left out of `all`.
    """
    if settings.model is None:
        raise UsageProblem("unicomp: no model: give --unicomp-model=NAME (`nano` is the embedded one).")
    unfit = not_makeable(settings, config)
    judged = candidates(settings, unfit)
    table = configured.of(settings)
    named, left_out = _from_bundle(settings.benchmark, table, evaluation)
    names = expand(named, model=settings.model, table=table)
    lacking = _lacking(names, table, evaluation)
    if lacking and evaluation.bundle is not None:
        raise UsageProblem(missing_pieces(lacking, evaluation.bundle))
    served_reference = served(settings.reference) or (settings.backend == SERVER and settings.serve is not None)
    return Plan(
        model=settings.model,
        candidates=judged,
        benchmarks=names,
        cells=tuple(
            _cell(candidate, name, table[name], settings.seed)
            for candidate in judged
            for name in names
            if candidate.takes(table[name].kind, served_reference=served_reference)
            and (table[name].kind != "latency" or _can_be_timed(settings, candidate, served_reference=served_reference))
        ),
        notes=(*omitted(unfit), *left_out, *_substitutions(names, table, evaluation)),
        left_out=tuple(unfit),
        table=table,
    )


def _can_be_timed(settings: Settings, candidate: Candidate, *, served_reference: bool) -> bool:
    """Return True unless a class of lm-eval evaluates the candidate, which is not loaded as it would be served, or its server has no server beside it."""
    backend = evaluated_by(settings, candidate.name).backend
    return LmEvalBackend.of(backend) is None and (backend != SERVER or served_reference)


def _from_bundle(names: Sequence[str], table: Table[Benchmark], evaluation: Evaluation) -> tuple[list[str], tuple[str, ...]]:
    """Replace the set `bundle` by what the bundle has the data of; return with it a line on what was left out, and for want of what."""
    if BUNDLE not in names:
        return list(names), ()
    if evaluation.bundle is None:
        raise UsageProblem(f"unicomp: the set {BUNDLE!r} is what a bundle holds; give --unicomp-bundle=DIR.")
    found = {name: entry for name, entry in table.items() if isinstance(entry, ItemBenchmark) and entry.pieces()}
    wanted = [name for name, entry in found.items() if evaluation.run_code or not entry.runs_code]
    lacking = _lacking(wanted, table, evaluation)
    there = [name for name in wanted if name not in lacking]
    chosen = [member for name in names for member in (there if name == BUNDLE else [name])]
    wanting = ", ".join(dict.fromkeys(problem.what for problem in lacking.values()))
    return chosen, (f"left out, {len(lacking)} benchmarks: the bundle lacks {wanting}",) if lacking else ()


def _substitutions(names: Iterable[str], table: Table[Benchmark], evaluation: Evaluation) -> list[str]:
    """Return a line for each benchmark that uses substitute data."""
    found = ((name, table[name].substitution(evaluation)) for name in names)
    return [f"{name}: {phrase}" for name, phrase in found if phrase is not None]


def _lacking(names: Iterable[str], table: Table[Benchmark], evaluation: Evaluation) -> dict[str, MissingPiece]:
    """Check what each benchmark needs; return what the bundle lacks of it, and raise UsageProblem for anything else that is wrong."""
    found: dict[str, MissingPiece] = {}
    for name in names:
        try:
            table[name].validate(evaluation)
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
