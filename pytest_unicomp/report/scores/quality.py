"""The ten quality scores of a run, by the paper's formulas from its items, with intervals from resampling items on both sides alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_unicomp.api.records import Item, Measurement
from pytest_unicomp.report.scores.formulas import GROUPS, PARTS, Cells, Group
from pytest_unicomp.report.scores.paper_cells import CELLS, PaperCell, mean_percent
from pytest_unicomp.report.scores.published import Scoring

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 400
# The capability whose benchmarks stand in for a score if the paper's benchmarks were not all measured.
CAPABILITY = {
    "S_K": "knowledge",
    "S_Mul": "multilingual",
    "S_R": "reasoning",
    "S_IF": "instruction_following",
    "S_TRU": "truthfulness",
    "S_SAFE": "safety",
    "S_FAIR": "fairness",
    "S_ROB": "robustness",
    "S_PRI": "privacy",
    "S_ETH": "ethics",
}
Draws = Sequence[Sequence[int]]
Pairs = Mapping[str, tuple[Measurement, Measurement]]


@dataclass(frozen=True)
class Score:
    """A score in percent of the reference: 100 if nothing changed.

    `interval` is at the run's confidence, None if the resamples have no spread or too few have a value; `basis` names the cells or benchmarks it was computed from;
    `draws` are the values of the resamples, for differences between scores.
    """

    value: float | None
    interval: tuple[float, float] | None
    basis: str
    draws: tuple[float, ...] = field(default=(), repr=False, compare=False)


def scores(pairs: Pairs, scoring: Scoring, *, confidence: float, seed: int = 0) -> dict[str, Score]:
    """Return each score with measured benchmarks. `pairs`: benchmark name to (reference, candidate), with the same items on both sides.

    If all of the paper's cells of a score were measured, its formula combines them (arXiv 2602.09130, section 3); else the score is the
    mean ratio over the run's benchmarks of that capability, and `basis` says so. The parts S_H and S_L need the paper's cells.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    rates = {name: pair for name, pair in pairs.items() if pair[1].metric != "nats_per_token"}
    resampled: dict[str, Draws] = {}
    for name, (_, candidate) in sorted(rates.items()):
        resampled[name] = _resamples(candidate.items, rng)
    found: dict[str, Score] = {}
    for score, groups in {**GROUPS, **PARTS}.items():
        cells = {name for group in groups for name in group.cells}
        filled = {name: _source(CELLS[name], rates) for name in cells}
        own = [name for name, (_, candidate) in rates.items() if candidate.capability == CAPABILITY.get(score)]
        if all(filled.values()):
            values = _by_cells(groups, {name: source for name, source in filled.items() if source}, rates, scoring, resampled)
            basis = "the paper's cells"
        elif own:
            values = _by_ratio(own, rates, scoring, resampled)
            basis = f"mean ratio over {', '.join(own)}; not the paper's cells"
        else:
            continue
        found[score] = _score(values, basis, confidence)
    return found


def _score(values: Sequence[float | None], basis: str, confidence: float) -> Score:
    import numpy as np

    known = [value for value in values[1:] if value is not None]
    interval = None
    if values[0] is not None and len(known) >= 0.95 * (len(values) - 1) and len(known) > 1:
        low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
        # If no item differs, resampling has no spread, which does not make the score certain.
        if high > low:
            interval = (float(min(low, values[0])), float(max(high, values[0])))
    draws = tuple(math.nan if value is None else value for value in values[1:])
    return Score(values[0], interval, basis, draws)


def _source(cell: PaperCell, pairs: Pairs) -> tuple[str, ...] | None:
    return next((source for source in cell.sources if all(name in pairs for name in source)), None)


def _by_cells(
    groups: Sequence[Group],
    sources: Mapping[str, tuple[str, ...]],
    pairs: Pairs,
    scoring: Scoring,
    resampled: Mapping[str, Draws],
) -> list[float | None]:
    rows: list[list[dict[str, float | None]]] = []
    for side in (0, 1):
        columns = {name: _values(CELLS[name], source, pairs, side, scoring, resampled) for name, source in sources.items()}
        rows.append([{name: values[draw] for name, values in columns.items()} for draw in range(RESAMPLES + 1)])
    return [ratio(groups, after, before, scoring) for before, after in zip(*rows, strict=True)]


def ratio(groups: Sequence[Group], row: Cells, base: Cells, scoring: Scoring) -> float | None:
    """Return 100 x the mean over the groups of the row's mean cell divided by the base's; lower-is-better cells inverted as the scoring says.

    Unlike corrected scoring of the published tables, no cell is left out: a run's jailbreak, disparity and instruction cells are valid.
    """
    ratios = []
    for group in groups:
        turned = group.paper_inverts if scoring == "paper" else (*group.inverted, *group.paper_inverts)
        sides = []
        for side in (row, base):
            cells = [side[name] for name in group.cells]
            if None in cells:
                return None
            sides.append(
                math.fsum(100 - cell if name in turned else cell for name, cell in zip(group.cells, cells, strict=True) if cell is not None)
            )
        if sides[1] <= 0:
            return None
        ratios.append(sides[0] / sides[1])
    return 100 * math.fsum(ratios) / len(ratios)


def _by_ratio(names: Sequence[str], pairs: Pairs, scoring: Scoring, resampled: Mapping[str, Draws]) -> list[float | None]:
    columns = [
        [_values(PaperCell(name, ((name,),), mean_percent), (name,), pairs, side, scoring, resampled) for side in (0, 1)] for name in names
    ]
    found: list[float | None] = []
    for draw in range(RESAMPLES + 1):
        ratios = [after[draw] / before[draw] for before, after in columns if before[draw] and after[draw] is not None]  # type: ignore[operator]
        found.append(100 * math.fsum(ratios) / len(ratios) if len(ratios) == len(columns) else None)
    return found


def _values(
    cell: PaperCell, source: tuple[str, ...], pairs: Pairs, side: int, scoring: Scoring, resampled: Mapping[str, Draws]
) -> list[float | None]:
    """Return the cell of one side: its measured value, then one value per resample."""
    if cell.per_benchmark:
        parts = [_values(PaperCell(cell.name, ((name,),), cell.statistic), (name,), pairs, side, scoring, resampled) for name in source]
        return [
            None if None in values else math.fsum(value for value in values if value is not None) / len(values)
            for values in zip(*parts, strict=True)
        ]
    ordered = {name: sorted(pairs[name][side].items, key=lambda item: item.id) for name in source}
    whole = [item for items in ordered.values() for item in items]
    if cell.statistic is mean_percent:
        return [mean_percent(whole, scoring), *_means([ordered[name] for name in source], [resampled[name] for name in source])]
    draws: list[float | None] = [cell.statistic(whole, scoring)]
    for draw in range(RESAMPLES):
        draws.append(cell.statistic([items[place] for name, items in ordered.items() for place in resampled[name][draw]], scoring))
    return draws


def _means(parts: Sequence[Sequence[Item]], chosen: Sequence[Draws]) -> list[float | None]:
    import numpy as np

    sums, counts = np.zeros(RESAMPLES), np.zeros(RESAMPLES)
    for items, draws in zip(parts, chosen, strict=True):
        scores = np.array([math.nan if item.score is None else item.score for item in items])
        for number, draw in enumerate(draws):
            taken = scores[draw]
            known = ~np.isnan(taken)
            sums[number] += taken[known].sum()
            counts[number] += known.sum()
    return [100 * float(total / count) if count else None for total, count in zip(sums, counts, strict=True)]


def _resamples(items: Sequence[Item], rng: np.random.Generator) -> Draws:
    """Return RESAMPLES lists of indices into the items ordered by id; clusters are drawn whole."""
    import numpy as np

    ordered = sorted(items, key=lambda item: item.id)
    units: dict[str, list[int]] = {}
    for place, item in enumerate(ordered):
        units.setdefault(item.id if item.cluster is None else f"cluster {item.cluster}", []).append(place)
    groups = [np.array(places) for places in units.values()]
    if len(groups) == len(ordered):
        return list(rng.integers(0, len(ordered), (RESAMPLES, len(ordered))))
    return [np.concatenate([groups[place] for place in rng.integers(0, len(groups), len(groups))]).tolist() for _ in range(RESAMPLES)]
