"""The names that marks, records and reports share: dimensions, capabilities, families, verdicts, scores and sets of benchmarks."""

from __future__ import annotations

from typing import Final, Literal

Dimension = Literal["performance", "reliability", "efficiency"]
Family = Literal["none", "pruning", "quantization", "distillation", "candidate"]

Verdict = Literal["pass", "fail", "inconclusive", "not_comparable", "error"]
RunVerdict = Literal["pass", "fail", "inconclusive", "error"]
# The question of a check, as its record and a waiver name it.
Question = Literal["retention", "drift", "efficiency", "artifact", "calibration", "must_pass", "reply_limits"]

# What the mark of a test may ask, in the order in which the tests of a recipe run, and the question of the checks that it makes.
MARK_QUESTIONS: Final[dict[str, Question]] = {
    "artifact": "artifact",
    "retention": "retention",
    "drift": "drift",
    "must_pass": "must_pass",
    "reply_limits": "reply_limits",
    "size": "efficiency",
    "latency": "efficiency",
    "kernel": "efficiency",
    "calibration": "calibration",
    "capability": "retention",
}
DIMENSIONS: Final = ("performance", "reliability", "efficiency")
FAMILIES: Final = ("pruning", "quantization", "distillation", "candidate")
CAPABILITIES: Final[dict[str, Dimension]] = {
    "knowledge": "performance",
    "multilingual": "performance",
    "reasoning": "performance",
    "instruction_following": "performance",
    "long_context": "performance",
    "tool_use": "performance",
    "language_modeling": "performance",
    # What no other capability says, such as a task by its name; pooled by itself.
    "other": "performance",
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
# The sets of benchmarks that a run may name, in the order in which they are listed. A benchmark says itself which it is in: `Benchmark.sets`.
# `nano-default` is what a run of the embedded model measures if it names nothing: items enough to decide 3 points on the default recipes, and
# what costs seconds to measure beside them. `thinking` are sets that take long thoughts, `told` those whose answers are told and not chosen.
NANO_DEFAULT: Final = "nano-default"
SETS: Final = (
    *("nano", NANO_DEFAULT, "performance", "reliability", "trustllm", "efficiency", "paper"),
    *("thinking", "told", "long-context", "long-context-4k", "structured", "code"),
)
# UniComp's thirteen scores in the paper's order (arXiv 2602.09130).
SCORES: Final = ("S_K", "S_Mul", "S_R", "S_IF", "S_TRU", "S_SAFE", "S_FAIR", "S_ROB", "S_PRI", "S_ETH", "S_RA", "S_IE", "S_CC")
