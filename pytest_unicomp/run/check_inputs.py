"""The inputs of a check: a run measures them, `unicomp verify` reads the same out of the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_unicomp.api.records import Artifact, KernelReport, Measurement
from pytest_unicomp.checkpoints.checks import Finding
from pytest_unicomp.engine.host.paired_timing import PairedRounds

# Measures some items of a benchmark: recipe, benchmark, ids of the items.
MeasurePart = Callable[[str, str, frozenset[str]], Measurement]


@dataclass(frozen=True)
class Pair:
    """Two measurements on the same benchmark: the candidate's and that of the reference, of its baseline, or of its other calibration text.

    `earlier` is the reference in an earlier run, if there is one: flips between the two are noise.
    """

    reference: Measurement
    candidate: Measurement
    earlier: Measurement | None = None


@dataclass(frozen=True)
class Single:
    """One measurement that the reference has no counterpart of: a cost of making the artifact."""

    candidate: Measurement


@dataclass(frozen=True)
class Timed:
    """Paired rounds and the fingerprints of what was timed (`identity`), since timings never repeat; of a kernel, its table too."""

    rounds: PairedRounds
    identity: tuple[str, ...]
    kernel: KernelReport | None = None


@dataclass(frozen=True)
class Inspection:
    """An artifact and what the static checks of its files found."""

    artifact: Artifact
    findings: Sequence[Finding]


CheckInputs = Pair | Single | Timed | Inspection
