"""The tables of docs/smollm2.md on what the study cost: minutes per recipe, seconds per cell."""

from __future__ import annotations

from statistics import median

from benchmarks.study.judged import Judged
from docs.tools.catalogue import table


def recipe_costs(study: Judged) -> str:
    """Return one row per recipe: minutes to make it, bits per weight and zeros of the result, the load of the machine meanwhile.

    The last column counts the different weights that its cells are of: more than one if it was made again on another machine.
    """
    rows = []
    for made in study.stored.recipes.values():
        if made.artifact is None:
            continue
        artifact, text = made.artifact, made.artifact.calibration
        minutes = "" if artifact.compress_seconds is None else f"{artifact.compress_seconds / 60:.1f}"
        bits = "" if artifact.bits_per_weight is None else f"{artifact.bits_per_weight:.1f}"
        zeros = "" if artifact.sparsity is None else f"{100 * artifact.sparsity:.0f} %"
        calibration = "none" if text is None else f"{text.mixture}, {text.samples} x {text.tokens}"
        times = max(1, len(study.stored.fingerprints(made.recipe)))
        rows.append((f"`{made.recipe}`", minutes, f"{made.load:.0f}", bits, zeros, calibration, str(times)))
    head = ("recipe", "minutes", "load", "bits per weight", "zeros", "calibration text (texts x tokens)", "weights")
    return table(head, rows) if rows else "No recipe is made yet.\n"


def cell_costs(study: Judged) -> str:
    """Return one row per benchmark: cells, and the median, least and most seconds of an item."""
    seconds: dict[str, list[float]] = {}
    for own in study.stored.measured.values():
        for name, found in own.items():
            seconds.setdefault(name, []).append(found.seconds / max(1, found.n))
    rows = [
        (f"`{name}`", str(len(each)), f"{median(each):.2f}", f"{min(each):.2f}", f"{max(each):.2f}")
        for name, each in sorted(seconds.items())
    ]
    head = ("benchmark", "cells", "seconds per item, median", "least", "most")
    return table(head, rows) if rows else "No cell is measured yet.\n"
