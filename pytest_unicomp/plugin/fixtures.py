"""The fixtures of the matrix; each calls the run, so that an exception is a setup error of the test, never a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_unicomp.plugin.stash import CHECKS, EXCUSED, GATE, KERNELS, POOLED

if TYPE_CHECKING:
    from pytest_unicomp.api.records import Artifact, CapabilityVerdict, Check, Claim, Measurement
    from pytest_unicomp.engine.host.paired_timing import PairedRounds
    from pytest_unicomp.run.plan import Cell
    from pytest_unicomp.run.run import Run


def keep(request: pytest.FixtureRequest, check: Check) -> Check:
    """Remember a check with its test, so that it reaches the report whatever the test does with it."""
    request.node.stash.setdefault(CHECKS, []).append(check)
    return check


@pytest.fixture(scope="session")
def unicomp(request: pytest.FixtureRequest) -> Run:
    """The run: plan, artifacts, measurements, checks."""
    gate = request.config.pluginmanager.get_plugin(GATE)
    if gate is None:
        pytest.skip("no model: give --unicomp-model=NAME (`nano` is the embedded one)")
    run: Run = gate.run
    return run


@pytest.fixture
def cell(request: pytest.FixtureRequest) -> Cell:
    """One recipe on one benchmark: the parameter of every test of the matrix."""
    found: Cell = request.param
    return found


@pytest.fixture
def artifact(unicomp: Run, cell: Cell) -> Artifact:
    """The cell's compressed model, made once and kept in the store."""
    return unicomp.artifact(cell.recipe)


@pytest.fixture
def measurement(unicomp: Run, cell: Cell) -> Measurement:
    """The cell's measurement: value, standard error and every item."""
    return unicomp.measurement(cell.recipe, cell.benchmark)


@pytest.fixture
def reference(unicomp: Run, cell: Cell) -> Measurement:
    """The reference's measurement on the cell's benchmark."""
    return unicomp.reference(cell.benchmark)


@pytest.fixture
def baseline(unicomp: Run, cell: Cell) -> Measurement | None:
    """The stored evidence of the cell, or None if there is none."""
    return unicomp.baseline(cell)


@pytest.fixture
def retention(unicomp: Run, cell: Cell, request: pytest.FixtureRequest) -> Check:
    """Does the candidate keep the reference's scores, within the margin?"""
    return keep(request, unicomp.retention(cell))


@pytest.fixture
def drift(unicomp: Run, cell: Cell, request: pytest.FixtureRequest) -> Check:
    """Is the measurement equivalent to its stored baseline?"""
    return keep(request, unicomp.drift(cell))


@pytest.fixture
def must_pass(unicomp: Run, cell: Cell, request: pytest.FixtureRequest) -> Check:
    """Does the candidate answer every must-pass item right?"""
    return keep(request, unicomp.must_pass(cell))


@pytest.fixture
def reply_limits(unicomp: Run, cell: Cell, request: pytest.FixtureRequest) -> Check:
    """Are the candidate's replies within the limits on length, truncation and loops?"""
    return keep(request, unicomp.reply_limits(cell))


@pytest.fixture
def calibration_gain(unicomp: Run, cell: Cell, request: pytest.FixtureRequest) -> Check:
    """Does the target's calibration text gain over the run's?"""
    return keep(request, unicomp.calibration_gain(cell))


@pytest.fixture
def capability(unicomp: Run, cell: Cell, request: pytest.FixtureRequest) -> CapabilityVerdict:
    """Is the capability kept, pooled over its benchmarks?"""
    found = unicomp.capability(cell.recipe, cell.capability)
    request.node.stash[POOLED] = found
    return found


@pytest.fixture
def claim(unicomp: Run, request: pytest.FixtureRequest) -> Claim:
    """One of the paper's claims about what this run measured: the parameter names claim and recipe."""
    wanted: Claim = request.param
    return next(found for found in unicomp.claims() if (found.claim, found.about) == (wanted.claim, wanted.about))


@pytest.fixture
def artifact_check(unicomp: Run, cell: Cell, request: pytest.FixtureRequest) -> Check:
    """Is the artifact a checkpoint that can be shipped, and what its recipe says?"""
    return keep(request, unicomp.artifact_check(cell))


@pytest.fixture
def soundness(artifact_check: Check) -> Check:
    """The older name of `artifact_check`, for one release."""
    return artifact_check


@pytest.fixture
def size(unicomp: Run, cell: Cell, request: pytest.FixtureRequest) -> Check:
    """Is the artifact no larger than the reference, and did making it cost no more than its limit?"""
    unknown = unicomp.not_recorded(cell)
    if unknown is not None:
        request.node.stash[EXCUSED] = True
        pytest.skip(unknown)
    return keep(request, unicomp.size(cell))


@pytest.fixture
def latency(unicomp: Run, cell: Cell, request: pytest.FixtureRequest) -> Check:
    """Is the candidate no slower than the reference? Timed by pytest-benchmark, each round paired with a round of the reference."""
    from pytest_unicomp.engine.host.paired_timing import WARM_UP

    wanted = unicomp.checker.rounds(cell)
    rounds = unicomp.timings.kept_rounds(cell, at_least=wanted)
    if rounds is None or _asks_for_timings(request.config):
        benchmark = request.getfixturevalue("benchmark")
        if benchmark.disabled:
            return keep(request, unicomp.not_timed(cell))
        rounds = unicomp.timings.rounds(cell)
        benchmark.group = cell.benchmark
        benchmark.pedantic(rounds.candidate, setup=rounds.before, rounds=wanted, warmup_rounds=WARM_UP, iterations=1)
        rounds.finish(benchmark.stats.stats.data)
        benchmark.extra_info.update(rounds.extra_info())
        unicomp.timings.keep_rounds(cell, rounds)
    return keep(request, unicomp.latency(cell, rounds))


@pytest.fixture
def kernel(unicomp: Run, cell: Cell, request: pytest.FixtureRequest) -> Check:
    """Are the reference's linear layers faster on the kernel of a format? Timed by pytest-benchmark, each round paired with a dense one."""
    from pytest_unicomp.engine.host.paired_timing import ROUNDS, WARM_UP

    missing = unicomp.kernel_missing(cell)
    if missing is not None:
        return keep(request, missing)
    kept = unicomp.timings.kept_kernel(cell)
    if kept is None or _asks_for_timings(request.config):
        benchmark = request.getfixturevalue("benchmark")
        if benchmark.disabled:
            return keep(request, unicomp.not_timed(cell))
        made = unicomp.timings.kernel(cell)
        rounds: PairedRounds = made.pairs
        benchmark.group = cell.benchmark
        benchmark.pedantic(rounds.candidate, setup=rounds.before, rounds=ROUNDS, warmup_rounds=WARM_UP, iterations=1)
        rounds.finish(benchmark.stats.stats.data)
        kept = rounds, made.report(confidence=unicomp.policy.confidence)
        benchmark.extra_info.update({**rounds.extra_info(), "kernel": kept[1].model_dump(mode="json")})
        unicomp.timings.keep_kernel(cell, *kept)
    check, report = unicomp.kernel(cell, *kept)
    request.node.stash.setdefault(KERNELS, []).append(report)
    return keep(request, check)


def _asks_for_timings(config: pytest.Config) -> bool:
    """Return True if the command line asks for pytest-benchmark's own output, which stored timings cannot give."""
    wanted = ("benchmark_json", "benchmark_save", "benchmark_autosave", "benchmark_only", "benchmark_compare", "benchmark_histogram")
    return any(config.getoption(name, default=None) for name in wanted)
