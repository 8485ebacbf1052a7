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
