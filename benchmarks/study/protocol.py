"""The study's protocol: what is measured of which model, on how many items, with how much calibration text, in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_unicomp.api.registry import benchmarks, methods

MODEL = "smollm2"
# Not the folder that a gate compares with by itself: with other items or amounts of text, each gate of smollm2 would be called changed.
FOLDER = Path(__file__).parents[2] / "baselines" / "study"
DENSE, CALIBRATION, TARGET = "dense", "generic", "reasoning"
# Half of what a run takes by default for a model of this size, so that a recipe is made within minutes on two cores.
SAMPLES, TOKENS = 32, 512
# The recipes of the paper first, then what its claims are about, then the others of this package.
PAPER = ("gptq-w4a16", "awq-w4a16", "smoothquant-w8a8", "wanda-2of4", "sparsegpt-2of4", "minitron-depth", "low-rank-clone")
FIRST = ("rtn-w8a16", "rtn-w3a16", "wanda-50", *PAPER, "rtn-w4a16", "magnitude-50", "sparsegpt-50")
# Made once more with the target's text: pruned and quantized, as in the paper's table 10.
RETARGETED = ("wanda-50", "sparsegpt-50", "gptq-w4a16", "awq-w4a16")
# By capability: what the target's text should help, and what it might cost.
LIKELIHOOD = ("arc_easy", "piqa", "arc_challenge", "hellaswag", "winogrande", "truthfulqa_mc1", "mmlu", "bbq")
LABELS = ("trustllm-codah", "trustllm-stereoset", "trustllm-ethics", "trustllm-confaide", "trustllm-emotion", "trustllm-jailbreak")
REPLIES = ("gsm8k", "ifeval", "mgsm_direct_de", "minerva_math500")
# Items: with 100 of them a loss of ten points is seen; the reference's scores stand beside published figures of whole sets, so it has more.
ITEMS: Mapping[str, int] = {**dict.fromkeys(LIKELIHOOD, 100), **dict.fromkeys(LABELS, 50), **dict.fromkeys(REPLIES, 30)}
DENSE_ITEMS: Mapping[str, int] = {**ITEMS, **dict.fromkeys(("arc_easy", "piqa", "arc_challenge", "hellaswag"), 1000)}


@dataclass(frozen=True)
class StudyCell:
    """One recipe on one benchmark: how many items are asked, and the calibration text that the recipe is made with; `name` is what it is stored as."""

    recipe: str
    benchmark: str
    items: int
    calibration: str = CALIBRATION

    @property
    def name(self) -> str:
        """Return the recipe's name, with its calibration text if that is not the usual one."""
        return self.recipe if self.calibration == CALIBRATION else f"{self.recipe}@{self.calibration}"


def cells() -> list[StudyCell]:
    """Return all cells of the study in the order of their measurement: what says most first."""
    return list(dict.fromkeys(_ordered()))


def recipes() -> tuple[str, ...]:
    """Return every recipe of this package except the reference, the first ones first; one that cannot be made of the model is refused when it is made."""
    return tuple(dict.fromkeys((*FIRST, *(name for name in methods() if name != DENSE))))


def _ordered() -> Iterator[StudyCell]:
    early, late = LIKELIHOOD[:2], LIKELIHOOD[2:6]
    yield from _block((DENSE,), LIKELIHOOD[:4])
    yield from _block(FIRST, early)
    yield from _block(RETARGETED, early, TARGET)
    yield from _block((DENSE, *FIRST), late)
    yield from _block(RETARGETED, late, TARGET)
    for group in ((*LIKELIHOOD, *LABELS), REPLIES):
        yield from _block((DENSE, *recipes()), group)
        yield from _block(RETARGETED, group, TARGET)


def _block(names: tuple[str, ...], asked: tuple[str, ...], calibration: str = CALIBRATION) -> Iterator[StudyCell]:
    known = benchmarks()
    for name in names:
        items = DENSE_ITEMS if name == DENSE else ITEMS
        yield from (StudyCell(name, benchmark, items[benchmark], calibration) for benchmark in asked if benchmark in known)
