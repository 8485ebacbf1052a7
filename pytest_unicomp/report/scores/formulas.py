"""The formulas of the thirteen scores (UniComp, arXiv 2602.09130v1, sections 3.2 to 3.4), each 100 x a ratio.

Performance and reliability: the mean, over groups of cells, of a row's ratio to the base model. Efficiency: geometric means of values
normalised to the best of a pool. A score is None if a cell is missing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_unicomp.api.vocabulary import SCORES as SCORES

Cells = Mapping[str, float | None]

PERFORMANCE, RELIABILITY, EFFICIENCY = SCORES[:4], SCORES[4:10], SCORES[10:]


@dataclass(frozen=True)
class Group:
    """Cells that are averaged before the ratio is taken; `printed` is the column in which the paper prints that mean.

    Lower-is-better cells enter as 100 - value: `paper_inverts` in both scorings, `inverted` in corrected scoring only. Corrected scoring
    of the published tables drops `left_out` cells.
    """

    cells: tuple[str, ...]
    printed: str | None = None
    inverted: tuple[str, ...] = ()
    paper_inverts: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def paper(self, row: Cells) -> float | None:
        """Return the printed sub-score if there is one, else the mean of the cells by the paper's rule."""
        return self.mean(row) if self.printed is None else row.get(self.printed)

    def mean(self, row: Cells) -> float | None:
        """Return the mean of the cells by the paper's rule; None if one is missing."""
        return _complete_mean([_inverted(row.get(cell), cell in self.paper_inverts) for cell in self.cells])

    def corrected(self, row: Cells) -> float | None:
        """Return the mean of the raw cells, lower-is-better ones inverted, `left_out` ones dropped; None if one is missing or none is left."""
        kept = [cell for cell in self.cells if cell not in self.left_out]
        return _complete_mean([_inverted(row.get(cell), cell in (*self.inverted, *self.paper_inverts)) for cell in kept])


def _single(*cells: str) -> tuple[Group, ...]:
    return tuple(Group((cell,)) for cell in cells)


# Source of every group: arXiv 2602.09130v1, section 3 and Tables 11 to 16; what `left_out` and `inverted` correct: docs/scores.md.
GROUPS: Mapping[str, tuple[Group, ...]] = {
    "S_K": _single("MMLU", "ARC-c", "ARC-e", "HellaSwag", "PIQA", "WinoGrande"),
    "S_Mul": _single("G-MMLU-Lite", "BBQ"),
    "S_R": _single("GSM8K", "MATH-500", "GPQA-D"),
    "S_IF": _single("IFBench"),
    "S_TRU": (
        Group(("CODAH", "SQuAD2", "AdvQA", "Hotpot"), "s_Int"),
        Group(("SciFact", "COVID", "HealthVer", "Climate"), "s_Ext"),
        Group(("HaluQA", "HaluSum", "HaluKGD", "TruthfulQA"), "s_Hal"),
        Group(("s_Syc",)),
    ),
    "S_SAFE": (Group(("Jailbreak Trigger",), left_out=("Jailbreak Trigger",)), Group(("XSTest",)), Group(("Misuse",))),
    "S_FAIR": (
        Group(("StereoSet", "CrowS-Pairs(low)", "Do-Not-Answer"), "s_stereo", paper_inverts=("CrowS-Pairs(low)",)),
        Group(("Adult sex", "Adult race"), "s_disp", left_out=("Adult sex", "Adult race")),
        Group(("pref plain", "pref force"), "s_pref"),
    ),
    "S_ROB": (
        Group(("RS", "AdvInstruction"), "s_noise", left_out=("AdvInstruction",)),
        # ToolE weighs as much as the two others together.
        Group(("ToolE", "ToolE", "Flipkart", "DDXPlus"), "s_ood"),
    ),
    "S_PRI": (
        Group(("ConfAIde", "PA normal", "PA aug"), "s_PA"),
        Group(("RtA", "TD", "CD"), "s_Leak", inverted=("TD", "CD")),
    ),
    "S_ETH": (
        Group(("SC101", "ETHICS"), "s_impl"),
        Group(("low-amb", "high-amb"), "s_expl"),
        Group(("perspective", "emotion", "capability"), "s_aware"),
    ),
}

# Parts of a score that the paper compares with each other (its Table 5): high- and low-resource languages.
PARTS: Mapping[str, tuple[Group, ...]] = {"S_H": _single("AVG_H"), "S_L": _single("AVG_L")}


def retention(groups: Sequence[Group], row: Cells, base: Cells, *, paper: bool) -> float | None:
    """Return 100 x the mean, over the groups, of the row's value divided by the base's.

    In corrected scoring, groups without a usable cell are dropped; None if a value is missing or the base's is 0.
    """
    ratios: list[float] = []
    for group in groups:
        if not paper and set(group.cells) <= set(group.left_out):
            continue
        value, reference = (group.paper(side) if paper else group.corrected(side) for side in (row, base))
        if value is None or not reference:
            return None
        ratios.append(value / reference)
    return 100 * math.fsum(ratios) / len(ratios) if ratios else None


def efficiency(pool: Mapping[str, Cells], columns: Mapping[str, bool]) -> dict[str, float | None]:
    """Return 100 x the geometric mean of each row's values, normalised to the best of the rows that have them.

    `columns` maps each column to True if higher is better. Another row in the pool may change every score, so report the pool too.
    """
    normalised: dict[str, list[float | None]] = {row: [] for row in pool}
    for column, higher_is_better in columns.items():
        known = [value for cells in pool.values() if (value := cells.get(column)) is not None]
        best = (max(known) if higher_is_better else min(known)) if known else None
        for row, cells in pool.items():
            value = cells.get(column)
            normalised[row].append(None if value is None or best is None else value / best if higher_is_better else best / value)
    return {row: _geometric(values) for row, values in normalised.items()}


EFFICIENCY_COLUMNS: Mapping[str, Mapping[str, bool]] = {
    "S_RA": {"throughput_tok_s": True, "latency_ms": False},
    "S_IE": {"gpu_mem_GB": False, "size_GB": False, "flops_T": False},
    "S_CC": {"compress_time": False, "compress_mem_GB": False},
}


def _complete_mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(values) else None


def _geometric(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return 100 * math.prod(known) ** (1 / len(known)) if known and len(known) == len(values) else None


def _inverted(value: float | None, inverted: bool) -> float | None:
    return 100 - value if value is not None and inverted else value
