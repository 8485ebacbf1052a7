"""Retention is decided once per cell, from whole measurements or from the parts that its verdict takes; sources name what was used."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from pytest_unicomp.api.records import Measurement
from pytest_unicomp.compare import Policy
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.run.cell_baselines import CellBaselines
from pytest_unicomp.run.checks import Checker
from pytest_unicomp.run.drift_checks import DriftChecks
from pytest_unicomp.run.plan import Candidate, Cell, Plan
from pytest_unicomp.run.retention_checks import RetentionChecks
from pytest_unicomp.run.sources import Sources
from pytest_unicomp.store.baselines import Baselines
from pytest_unicomp.store.local import Store
from tests.toys import measurement

CELL = Cell("rtn", "quantization", True, "nano-safety", "items", "reliability", "safety", 0)
PLAN = Plan("nano", (Candidate("rtn", "quantization", True),), ("nano-safety",), (CELL,))
GOOD = [1.0, 0.0, 1.0, 1.0] * 250
BAD = [0.0] * 600 + GOOD[600:]


@dataclass
class ToyResults:
    """Measurements made up beforehand, which notes what is asked of it."""

    sides: dict[str, Measurement]
    asked: list[str] = field(default_factory=list)

    def reference(self, benchmark: str) -> Measurement:
        return self.sides["reference"]

    def measurement(self, recipe: str, benchmark: str) -> Measurement:
        self.asked.append(recipe)
        return self.sides[recipe]

    def part(self, recipe: str, benchmark: str, items: frozenset[str]) -> Measurement:
        self.asked.append(f"{len(items)} items")
        whole = self.sides[recipe]
        return whole.model_copy(update={"items": [item for item in whole.items if item.id in items]})

    def key(self, recipe: str, benchmark: str, items: frozenset[str] | None = None) -> str:
        return f"{recipe}-{len(items or ())}"

    def reference_is_stored(self, benchmark: str) -> bool:
        return False


def made(scores, artifact):
    return measurement(scores, artifact=artifact, benchmark="nano-safety")


@pytest.fixture
def parts(tmp_path):
    def build(candidate, **words):
        settings = resolve({"model": "nano", "recipe": ["dense"], **words}, {})
        results = ToyResults({"reference": made(GOOD, "a"), "rtn": made(candidate, "b")})
        sources = Sources(results, Store(tmp_path / "store"))
        baselines = CellBaselines(settings, PLAN, Baselines(tmp_path / "baselines", tmp_path / "none"))
        checker = Checker(Policy(), must_pass_items={"nano-safety": ["*"]})
        retention = RetentionChecks(settings, PLAN, results, sources, baselines, checker)
        return results, retention, baselines, DriftChecks(settings.update, retention, baselines, checker, sources)

    return build


def test_a_cell_is_decided_once_and_names_both_measurements(parts):
    results, retention, _, _ = parts(BAD)
    check = retention.of(CELL)
    assert check.verdict == "fail"
    assert [(source.side, source.key, source.part) for source in check.sources] == [
        ("reference", "reference-0", False),
        ("candidate", "rtn-0", False),
    ]
    asked = list(results.asked)
    assert retention.of(CELL) is check
    assert results.asked == asked


def test_early_stopping_measures_parts_only_and_names_each(parts):
    results, retention, _, _ = parts(BAD, sequential=True)
    check = retention.of(CELL)
    assert check.verdict == "fail"
    taken = [source for source in check.sources if source.side == "candidate"]
    assert all(source.part for source in taken)
    assert results.asked == ["100 items"] * len(taken)
    assert len(taken) < 10
    assert len(retention.measured(CELL).items) == 100 * len(taken)


def test_items_that_must_be_right_are_measured_though_the_verdict_did_not_take_them(parts):
    _, retention, _, _ = parts(BAD, sequential=True)
    everything = {item.id for item in made(GOOD, "a").items}
    measured, sources = retention.holding(CELL, everything)
    assert {item.id for item in measured.items} == everything
    assert len(sources) == len(retention.sources(CELL)) + 1


def test_a_whole_measurement_asks_for_no_rest(parts):
    results, retention, _, _ = parts(GOOD)
    measured, sources = retention.holding(CELL, {"no such item"})
    assert (measured, len(sources)) == (results.sides["rtn"], 1)


def test_the_evidence_of_an_earlier_run_says_how_much_is_noise_and_is_kept(parts):
    _, retention, baselines, _ = parts(BAD)
    reference_cell = Cell("dense", "none", False, "nano-safety", "items", "reliability", "safety", 0)
    baselines.write(reference_cell, made([1.0 - GOOD[0], *GOOD[1:]], "a"))
    check = retention.of(CELL)
    assert check.flips.floor == pytest.approx(1 / len(GOOD))
    assert [source.side for source in check.sources] == ["reference", "candidate", "earlier"]


def test_a_first_baseline_is_written_and_fails_once_and_then_nothing_has_changed(parts):
    _, _, baselines, drift = parts(GOOD)
    assert not baselines.exists(CELL)
    first = drift.of(CELL)
    assert (first.verdict, first.accepted) == ("fail", False)
    assert baselines.exists(CELL)
    assert drift.of(CELL).verdict == "pass"


def test_a_change_is_accepted_only_on_request_and_then_written(parts):
    _, _, _, drift = parts(GOOD)
    drift.of(CELL)
    _, _, _, changed = parts(BAD)
    assert (changed.of(CELL).verdict, changed.of(CELL).accepted) == ("fail", False)
    _, _, _, accepting = parts(BAD, update="changed")
    check = accepting.of(CELL)
    assert (check.verdict, check.accepted) == ("pass", True)
    assert [source.side for source in check.sources] == ["reference", "candidate"]
    assert changed.of(CELL).reason.startswith("identical evidence")


def test_a_file_that_no_cell_reads_is_unused(parts):
    _, _, baselines, drift = parts(GOOD)
    drift.of(CELL)
    assert baselines.unused() == []
    other = Cell("gone", "pruning", True, "nano-safety", "items", "reliability", "safety", 0)
    path = baselines.write(other, made(GOOD, "c"))
    assert baselines.unused() == [path]
