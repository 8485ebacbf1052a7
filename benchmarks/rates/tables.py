"""The tables of docs/error-rates.md, from stored evidence alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from benchmarks.rates import before, evidence, gate, grid, independent, laws, printed, replies, stopping
from benchmarks.rates.cells import CLUSTERS, CORRELATIONS, KINDS, Cell
from benchmarks.rates.measure import PROMISED, Rates
from docs.tools.catalogue import table

# Whose power is shown: items and discordance.
SHOWN = ((400, 0.05), (1300, 0.05), (1300, 0.2))


def kinds() -> str:
    """One row per kind of scores: how much was simulated, and the highest rates."""
    found = grid.stored()
    rows = []
    for kind in KINDS:
        own = {cell: rates for cell, rates in found.items() if cell.kind == kind}
        known = [rates for rates in own.values() if rates.replicates >= grid.SECOND]
        never = sum(rates.unchanged_passes == 0 for rates in own.values())
        beyond = sum(rates.worst > PROMISED for rates in known)
        rows.append((kind, str(len(own)), str(len(known)), _highest(own, "pass"), _highest(own, "fail"), str(beyond), str(never)))
    head = ("scores", "cells", "with 20,000", "false PASS, highest", "false FAIL, highest", "beyond 0.06", "never pass an unchanged model")
    return table(head, rows)


def clusters() -> str:
    """One row per kind of scores, clusters and correlation: the highest rates, and the power that is left."""
    found = grid.stored()
    rows = []
    for kind, own in itertools.product(KINDS, _groups(found)):
        named = {cell: rates for cell, rates in found.items() if (cell.kind, cell.clusters, cell.correlation) == (kind, *own)}
        if not named:
            continue
        power = [_rate(rates.unchanged_passes for cell, rates in named.items() if (cell.n, cell.discordance) == shown) for shown in SHOWN]
        rows.append((kind, str(own[0]), str(own[1] or ""), _highest(named, "pass"), _highest(named, "fail"), *power))
    power_of = tuple(f"unchanged: PASS at n {n}, {share}" for n, share in SHOWN)
    return table(("scores", "clusters", "correlation", "false PASS, highest", "false FAIL, highest", *power_of), rows)


def _groups(found: Iterable[Cell]) -> list[tuple[int | str, float]]:
    known = {(cell.clusters, cell.correlation) for cell in found}
    every = itertools.product(CLUSTERS, (0.0, *CORRELATIONS))
    return [group for group in every if group in known]


def _highest(own: Mapping[Cell, Rates], side: str) -> str:
    """Return the highest rate, of cells whose rates rest on enough replicates to be compared, and the cell that has it."""

    def rate(rates: Rates) -> float:
        return rates.false_pass if side == "pass" else max(rates.false_fail, rates.unchanged_fails)

    known = {cell: rates for cell, rates in own.items() if rates.bound <= PROMISED or rates.replicates >= grid.SECOND}
    cell, rates = max(known.items(), key=lambda pair: rate(pair[1]))
    return f"{rate(rates):.3f} (n {cell.n}, {cell.discordance})"


def _rate(found: Iterable[float]) -> str:
    return "".join(f"{rate:.2f}" for rate in found)


def other_laws() -> str:
    """One row per law by which rates vary, and number of clusters: the highest rates at a correlation of 0.3."""
    rows = []
    found = laws.stored()
    for law, number in itertools.product(laws.LAWS, CLUSTERS[1:]):
        own = {cell: rates for (cell, named), rates in found.items() if (named, cell.clusters, cell.correlation) == (law, number, 0.3)}
        shown = []
        for side in (0, 1):
            cell, rates = max(own.items(), key=lambda pair: pair[1][side])
            shown.append(f"{rates[side]:.3f} (n {cell.n}, {cell.discordance})")
        rows.append((law, str(number), *shown))
    return table(("rates vary", "clusters", "false PASS, highest", "false FAIL, highest"), rows)


def earlier() -> str:
    """One row per cell that was measured before the rule was changed, then and now."""
    rows = []
    for cell, then, now in before.joined():
        old = [f"{then[name]:.3f}" if name in then else "" for name in ("false_pass", "false_fail", "unchanged_passes")]
        new = [f"{value:.3f}" for value in (now.false_pass, max(now.false_fail, now.unchanged_fails), now.unchanged_passes)]
        mixed = [value for pair in zip(old, new, strict=True) for value in pair]
        rows.append((cell.kind, str(cell.n), str(cell.clusters), str(cell.correlation), str(cell.discordance), *mixed))
    sides = [f"{name} {when}" for name in ("false PASS", "false FAIL", "unchanged: PASS") for when in ("before", "now")]
    return table(("scores", "items", "clusters", "correlation", "discordance", *sides), rows)


def alone() -> str:
    """One row per cell of independent items."""
    rows = []
    for row in evidence.read(independent.NAME):
        cell = independent.Cell(*(row[name] for name in independent.Cell.__dataclass_fields__))
        rates = independent.Rates(*(row[name] for name in independent.Rates.__dataclass_fields__))
        shown = (rates.false_pass, rates.false_fail, rates.coverage, rates.unchanged_fails, rates.unchanged_passes)
        named = (cell.n, cell.accuracy, cell.discordance, cell.margin)
        rows.append((*map(str, named), *(f"{value:.3f}" for value in shown), independent.outside(cell, rates)))
    measured = ("false PASS", "false FAIL", "coverage", "no drop: FAIL", "no drop: PASS", "outside alpha + 0.005")
    return table(("items", "accuracy", "discordance", "margin", *measured), rows)


def shares() -> str:
    """One row per margin that depends on the reference."""
    rows = []
    for row in evidence.read(independent.SHARES_NAME):
        name = f"{100 * row['value']:g} %" if row["kind"] == "relative" else f"{row['value']:g}x errors"
        rates = (row["false_pass"], row["false_fail"])
        rows.append((name, *(str(row[key]) for key in ("n", "accuracy", "discordance")), *(f"{rate:.3f}" for rate in rates)))
    return table(("margin", "items", "accuracy", "discordance", "false PASS", "false FAIL"), rows)


def early() -> str:
    """One row per case of early stopping with independent items."""
    rows = []
    for row in evidence.read("early"):
        named = (row["n"], row["discordance"], row["margin"], "the margin" if row["drop"] else "none")
        rows.append((*map(str, named), f"{row['passes']:.3f}", f"{row['fails']:.4f}", f"{100 * row['items']:.0f} %"))
    return table(("items", "discordance", "margin", "true drop", "PASS", "FAIL", "items used"), rows)


def stops() -> str:
    """One row per kind of scores, clusters and correlation: the highest rates of early stopping, and what it saves."""
    found = stopping.stored()
    rows = []
    for kind, own in itertools.product(stopping.KINDS, _groups(found)):
        named = {cell: rates for cell, rates in found.items() if (cell.kind, cell.clusters, cell.correlation) == (kind, *own)}
        if not named:
            continue
        passes, fails = (max(rate(rates) for rates in named.values()) for rate in (lambda one: one.false_pass, _fails))
        at = [rates for cell, rates in named.items() if (cell.n, cell.discordance) == (1300, 0.05)]
        saved = (_rate(rates.unchanged_passes for rates in at), "".join(f"{100 * rates.unchanged_items:.0f} %" for rates in at))
        rows.append((kind, str(own[0]), str(own[1] or ""), f"{passes:.3f}", f"{fails:.3f}", *saved))
    shown = ("unchanged: PASS at n 1300, 0.05", "items used")
    return table(("scores", "clusters", "correlation", "false PASS, highest", "false FAIL, highest", *shown), rows)


def _fails(rates: stopping.Stopping) -> float:
    return max(rates.false_fail, rates.unchanged_fails)


def scales() -> str:
    """One row per tail and number of clusters: false PASS / false FAIL by number of documents."""
    found: dict[tuple[float, int], dict[int, dict[str, Any]]] = {}
    for row in evidence.read("scales"):
        found.setdefault((row["sigma"], row["clusters"]), {})[row["n"]] = row
    sizes = sorted({n for own in found.values() for n in own})
    rows = []
    for (sigma, number), own in found.items():
        name = f"log-normal losses, sigma {sigma:g}" if sigma else "normal losses"
        cells = [f"{own[n]['false_pass']:.3f} / {own[n]['false_fail']:.3f}" if n in own else "" for n in sizes]
        rows.append((name, str(number or "none"), *cells))
    return table(("nats per document", "clusters", *(f"n {n}" for n in sizes)), rows)


def gates() -> str:
    """One row per simulated gate: how often it passes, what fails, and how often anything does."""
    names = (
        "capability_fails",
        "benchmark_fails",
        "slice_lost",
        "replies_damaged",
        "hidden_danger",
        "drift_fails",
        "latency_fails",
        "any_fails",
    )
    rows = []
    order = ("drop", "items", "slices", "discordance", "losing")
    for row in sorted(evidence.read(gate.NAME), key=lambda row: [row[name] for name in order]):
        drop = f"{row['drop']} in {row['losing']}" if row["drop"] else "none"
        named = (str(row["items"]), str(row["slices"]), str(row["discordance"]), drop)
        rows.append((*named, *(f"{row[name]:.3f}" for name in ("passes", "undecided")), *(f"{row[name]:.4f}" for name in names)))
    head = ("items", "slices", "discordance", "true drop", "gate PASS", "undecided", "a capability FAILs", "a benchmark FAILs")
    return table((*head, "a slice is lost", "replies are damaged", "hidden danger", "a drift FAILs", "latency FAILs", "any FAIL"), rows)


def probabilities() -> str:
    """One row per unchanged gate: how often it passes, and what its reports say of that."""
    rows = [
        (
            *(str(row[name]) for name in ("items", "slices", "discordance")),
            *(f"{row[name]:.3f}" for name in ("true", "mean", "low", "high")),
        )
        for row in sorted(evidence.read(printed.NAME), key=lambda row: (row["items"], row["slices"], row["discordance"]))
    ]
    return table(("items", "slices", "discordance", "gate PASS", "printed, mean", "printed, 5 %", "printed, 95 %"), rows)


def sliced() -> str:
    """One row per kind of slices: how often one is lost though nothing is, without and with its clusters."""
    rows = [
        (*(str(row[name]) for name in ("clusters", "size", "correlation", "discordance")), f"{row['alone']:.3f}", f"{row['clustered']:.3f}")
        for row in evidence.read("slices")
    ]
    head = ("clusters of a slice", "items of a cluster", "correlation", "discordance")
    return table((*head, "a slice is lost: items independent (before)", "with clusters (now)"), rows)


def latencies() -> str:
    """One row per spread of the times and share of stalls."""
    rows = [
        (
            f"{100 * row['spread']:.0f} %",
            f"{100 * row['stalls']:.0f} %",
            *(f"{row[name]:.3f}" for name in ("false_pass", "false_fail", "unchanged_fails", "unchanged_passes")),
        )
        for row in evidence.read("latency")
    ]
    return table(("spread of a round", "rounds that stall", "false PASS", "false FAIL", "as fast: FAIL", "as fast: PASS"), rows)


def replying() -> str:
    """One row per kind of change and number of replies per item: false PASS / false FAIL by items, and the highest that Student's t gives."""
    found: dict[tuple[str, int], dict[int, dict[str, Any]]] = {}
    for row in evidence.read(replies.NAME):
        found.setdefault((row["kind"], row["replies"]), {})[row["items"]] = row
    rows = []
    for (kind, many), own in found.items():
        cells = [f"{own[n]['false_pass']:.3f} / {own[n]['false_fail']:.3f}" if n in own else "" for n in replies.SIZES]
        student = [max((row[name] for row in own.values() if name in row), default=None) for name in ("student_pass", "student_fail")]
        rows.append((kind, str(many), *cells, " / ".join(f"{rate:.3f}" for rate in student if rate is not None)))
    return table(("what changes", "replies per item", *(f"n {n}" for n in replies.SIZES), "by Student's t, highest"), rows)


TABLES: Mapping[str, Callable[[], str]] = {
    "rates-kinds": kinds,
    "rates-clusters": clusters,
    "rates-laws": other_laws,
    "rates-before": earlier,
    "rates-independent": alone,
    "rates-shares": shares,
    "rates-early": early,
    "rates-stopping": stops,
    "rates-scales": scales,
    "rates-gates": gates,
    "rates-printed": probabilities,
    "rates-slices": sliced,
    "rates-latency": latencies,
    "rates-replies": replying,
}
