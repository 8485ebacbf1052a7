"""The words of the field that marks, records and reports share; plain data, imported by everyone."""

from __future__ import annotations

from typing import Final, Literal

Dimension = Literal["performance", "reliability", "efficiency"]
Family = Literal["none", "pruning", "quantization", "distillation", "candidate"]

DIMENSIONS: Final = ("performance", "reliability", "efficiency")
FAMILIES: Final = ("pruning", "quantization", "distillation", "candidate")
CAPABILITIES: Final[dict[str, Dimension]] = {
    "knowledge": "performance",
    "multilingual": "performance",
    "reasoning": "performance",
    "instruction_following": "performance",
    "language_modeling": "performance",
    "truthfulness": "reliability",
    "safety": "reliability",
    "fairness": "reliability",
    "robustness": "reliability",
    "privacy": "reliability",
    "ethics": "reliability",
    "runtime_acceleration": "efficiency",
    "inference_footprint": "efficiency",
    "compute_cost": "efficiency",
}
# UniComp's thirteen scores in the paper's order (arXiv 2602.09130).
SCORES: Final = ("S_K", "S_Mul", "S_R", "S_IF", "S_TRU", "S_SAFE", "S_FAIR", "S_ROB", "S_PRI", "S_ETH", "S_RA", "S_IE", "S_CC")
