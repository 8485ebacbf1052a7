"""`unicomp selftest`: measures the verdicts' error rates on stored evidence: false FAIL with pairs swapped at random (no true loss), false PASS with planted losses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem, one_line
from pytest_unicomp.api.foreign import LARGEST_REPORT, ForeignFile, read_json
from pytest_unicomp.api.records import Check, Measurement
from pytest_unicomp.compare import stats
from pytest_unicomp.compare.comparability import mismatch, paired
from pytest_unicomp.config.margins import Margin
from pytest_unicomp.report.json import read
from pytest_unicomp.store.baselines import SCHEMA, Baselines

if TYPE_CHECKING:
    import numpy as np

# Planted losses, in multiples of the margin; at 1 a PASS and a FAIL are both errors.
DROPS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
REPLICATES = 20_000
TOLERANCE = 0.005
# Items of one check: more are no evaluation but an edited count, and each takes memory here.
MOST_ITEMS = 10_000_000


@dataclass(frozen=True)
class Evidence:
    """One comparison: scores of 0 or 1, turned so that larger is better, and clusters if known."""

    recipe: str
    benchmark: str
    before: list[float]
    after: list[float]
    clusters: list[str] | None
    margin: float
    alpha: float
    note: str


def rows(path: Path, *, margin: str, alpha: float, seed: int = 0, replicates: int | None = None) -> list[dict[str, Any]]:
    """Return one object per comparison found in a report, a baseline file or a folder of baselines.

    A report holds only counts of flips: items are treated as independent, at the report's own margins and alpha. Baselines hold the items: those
    of one cluster are swapped together, at `margin` and `alpha`. Rates have 95 % Wilson intervals. Raises UsageProblem if there is nothing to
    read or test.
    """
    given = Margin.of(margin, "--margin")
    if given.kind != "absolute" or not 0 < given.value < 1:
        raise UsageProblem(
            f"unicomp: --margin is {margin!r}; expected an absolute margin for a self-test, above 0 and below 1, such as 0.03."
        )
    if not 0 < alpha < 0.5:
        raise UsageProblem(f"unicomp: --alpha is {alpha}; expected a number above 0 and below 0.5.")
    found = list(_folder(path, given.value, alpha) if path.is_dir() else _file(path, given.value, alpha))
    if not found:
        raise UsageProblem(
            f"unicomp: {path} holds no retention of right-or-wrong items; expected a report (--unicomp-report=X.json) or stored baselines."
        )
    return [_row(evidence, seed, replicates) for evidence in found]


def sound(found: Sequence[dict[str, Any]]) -> bool:
    """Return True if no error rate is proven to exceed alpha by more than TOLERANCE."""
    kinds = ("false_fail_unchanged", "false_fail_at_margin", "false_pass_at_margin")
    return all(row[kind] is None or row[kind]["interval"][0] <= row["alpha"] + TOLERANCE for row in found for kind in kinds)


def _file(path: Path, margin: float, alpha: float) -> Iterator[Evidence]:
    try:
        document = read_json(path, LARGEST_REPORT)
    except ForeignFile as error:
        raise UsageProblem(f"unicomp: {path} cannot be read: it {error.found}; expected a report or a baseline, both JSON.") from error
    if isinstance(document, dict) and document.get("schema") == SCHEMA:
        yield from _baseline(path, margin, alpha)
        return
    for check in read(path).checks:
        usable = check.question == "retention" and check.flips is not None and check.n > 0 and check.interval != (0.0, 0.0)
        if not usable or check.flips is None or check.margin is None or check.reference.value is None:
            continue
        lost, gained, n = check.flips.lost, check.flips.gained, check.n
        _require_consistent(check, path)
        level = check.reference.value if check.higher_is_better else 1 - check.reference.value
        right = max(0, min(n - lost - gained, round(level * n) - lost))
        wrong = n - lost - gained - right
        before = [1.0] * (lost + right) + [0.0] * (gained + wrong)
        after = [0.0] * lost + [1.0] * (right + gained) + [0.0] * wrong
        note = "from a report: counts only, items treated as independent"
        yield Evidence(check.recipe, check.benchmark, before, after, None, check.margin, (1 - check.confidence) / 2, note)


def _require_consistent(check: Check, path: Path) -> None:
    """Raise UsageProblem for counts, a score, a margin or a confidence that no run writes of right-or-wrong items."""
    flips, value, margin = check.flips, check.reference.value, check.margin
    assert flips is not None
    found = {
        f"{flips.lost} lost and {flips.gained} gained of {check.n} items": flips.lost >= 0
        and flips.gained >= 0
        and flips.lost + flips.gained <= check.n <= MOST_ITEMS,
        f"a reference that scores {value}": value is not None and 0 <= value <= 1,
        f"a margin of {margin}": margin is not None and 0 <= margin < 1,
        f"a confidence of {check.confidence}": 0 < check.confidence < 1,
    }
    wrong = next((what for what, fits in found.items() if not fits), None)
    if wrong is not None:
        raise UsageProblem(
            f"unicomp: {one_line(path)} has {wrong} for {one_line(check.recipe)} on {one_line(check.benchmark)}; "
            "expected numbers of right-or-wrong items, as a run writes them."
        )


def _folder(path: Path, margin: float, alpha: float) -> Iterator[Evidence]:
    for file in sorted(path.rglob("*.json")):
        if file.parent.name != "dense":
            yield from _baseline(file, margin, alpha)


def _baseline(path: Path, margin: float, alpha: float) -> Iterator[Evidence]:
    """Pair a baseline with that of the reference; files that hold something else are skipped."""
    root, model, recipe = path.parent.parent.parent, path.parent.parent.name, path.parent.name
    stored = Baselines(root, root)
    try:
        reference, candidate = (stored.read(model, name, path.stem) for name in ("dense", recipe))
    except InfrastructureError:
        return
    if reference is None or candidate is None or mismatch(reference, candidate) is not None:
        return
    pairs = paired(reference, candidate)
    if any(item.score not in (0, 1) for pair in pairs for item in pair) or candidate.metric == "nats_per_token":
        return
    before, after = (_turned(side, candidate) for side in zip(*[(one.score, two.score) for one, two in pairs], strict=True))
    names = [item.cluster or f"item {item.id}" for _, item in pairs]
    clusters = names if 1 < len(set(names)) < len(names) else None
    note = "items" if clusters is None else f"items in {len(set(names))} clusters, swapped together"
    yield Evidence(recipe, path.stem, before, after, clusters, margin, alpha, note)


def _turned(scores: Sequence[float | None], measurement: Measurement) -> list[float]:
    return [float(score or 0) if measurement.higher_is_better else 1 - float(score or 0) for score in scores]


def _row(evidence: Evidence, seed: int, replicates: int | None) -> dict[str, Any]:
    import numpy as np

    random = np.random.default_rng([seed, *f"{evidence.recipe}/{evidence.benchmark}".encode("utf-8", "surrogatepass")])
    many = replicates or REPLICATES
    curve = [_rates(evidence, factor * evidence.margin, many, random) for factor in DROPS]
    flips = sum(one != two for one, two in zip(evidence.before, evidence.after, strict=True))
    unchanged, at_margin = curve[0], curve[DROPS.index(1.0)]
    return {
        "recipe": evidence.recipe,
        "benchmark": evidence.benchmark,
        "n": len(evidence.before),
        "discordance": flips / len(evidence.before),
        "margin": evidence.margin,
        "alpha": evidence.alpha,
        "replicates": many,
        "false_fail_unchanged": unchanged and unchanged["fail"],
        "false_pass_at_margin": at_margin and at_margin["pass"],
        "false_fail_at_margin": at_margin and at_margin["fail"],
        "power": [point for point in curve if point is not None],
        "note": evidence.note,
    }


def _rates(evidence: Evidence, drop: float, many: int, random: np.random.Generator) -> dict[str, Any] | None:
    """Return the rates of PASS and FAIL after random swaps and a planted `drop`; None if too few items are right to plant it."""
    right = sum(one == two == 1 for one, two in zip(evidence.before, evidence.after, strict=True))
    share = drop * len(evidence.before) / right if right else float(drop > 0) * 2
    if not isfinite(share) or share > 1:
        return None
    decisions = (
        _independent(evidence, share, right, many, random) if evidence.clusters is None else _clustered(evidence, share, many, random)
    )
    return {"drop": drop, "pass": _rate(int(decisions.passes.sum()), many), "fail": _rate(int(decisions.fails.sum()), many)}


def _rate(count: int, many: int) -> dict[str, Any]:
    return {"rate": count / many, "interval": stats.wilson_interval(count, many, confidence=0.95)}


def _independent(evidence: Evidence, share: float, right: int, many: int, random: np.random.Generator) -> stats.Decisions:
    """Simulate counts: the direction of each flip is a fair coin, and each item that both have right is lost with probability `share`."""
    flips = sum(one != two for one, two in zip(evidence.before, evidence.after, strict=True))
    lost = random.binomial(flips, 0.5, size=many)
    planted = random.binomial(right, share, size=many)
    return stats.decide_counts(lost + planted, flips - lost, len(evidence.before), margin=evidence.margin, alpha=evidence.alpha)


def _clustered(evidence: Evidence, share: float, many: int, random: np.random.Generator) -> stats.Decisions:
    """Swap the items of a cluster together, which keeps their dependence; planted losses are independent."""
    import numpy as np

    before, after = np.array(evidence.before), np.array(evidence.after)
    names, place = np.unique(np.array(evidence.clusters), return_inverse=True)
    lost, gained, right = (
        np.bincount(place, weights=chosen, minlength=len(names)).astype(int)
        for chosen in (before > after, after > before, (before == 1) & (after == 1))
    )
    swapped = random.random((many, len(names))) < 0.5
    planted = random.binomial(right, share, size=(many, len(names)))
    losses, gains = np.where(swapped, gained, lost) + planted, np.where(swapped, lost, gained)
    return stats.decide_clustered(losses, gains, np.bincount(place), margin=evidence.margin, alpha=evidence.alpha)


def lines(found: Sequence[dict[str, Any]]) -> list[str]:
    """Return the rows as lines of text, rates in percent with their intervals."""
    text = []
    for row in found:
        text.append(
            f"{row['recipe']} on {row['benchmark']}: {row['n']} items, {100 * row['discordance']:.1f} % flipped, margin {100 * row['margin']:.1f} points "
            f"({row['note']})"
        )
        for kind, words in (
            ("false_fail_unchanged", "FAIL though nothing is lost"),
            ("false_pass_at_margin", "PASS though the margin is lost"),
            ("false_fail_at_margin", "FAIL though only the margin is lost"),
        ):
            text.append(f"  {words}: {_shown(row[kind])}")
        curve = ", ".join(
            f"{100 * point['drop']:.1f}: {100 * point['pass']['rate']:.0f}/{100 * point['fail']['rate']:.0f}" for point in row["power"]
        )
        text.append(f"  drop in points: PASS/FAIL in percent: {curve}")
    return text


def _shown(rate: dict[str, Any] | None) -> str:
    if rate is None:
        return "unknown: too few items are right to plant the loss"
    low, high = rate["interval"]
    return f"{100 * rate['rate']:.2f} % ({100 * low:.2f} to {100 * high:.2f})"
