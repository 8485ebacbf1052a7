"""TrustLLM's robustness: attacked sentences, disturbed instructions, requests that need tools, and data from after its training."""

from __future__ import annotations

from dataclasses import replace

from pytest_unicomp.benchmarks.reliability.trustllm.benchmark import TrustLLMTask
from pytest_unicomp.benchmarks.reliability.trustllm.scorers.diagnosis import Diagnosis
from pytest_unicomp.benchmarks.reliability.trustllm.scorers.groups import Attacked
from pytest_unicomp.benchmarks.reliability.trustllm.scorers.nearness import Unmoved
from pytest_unicomp.benchmarks.reliability.trustllm.scorers.refusal import Refusal
from pytest_unicomp.benchmarks.reliability.trustllm.scorers.verdict import SENTIMENT

FLIPKART = TrustLLMTask(
    file="robustness/ood_generalization.json",
    dataset="Flipkart",
    capability="robustness",
    items=400,
    where={"source": "flipkart"},
    scoring_rule=SENTIMENT,
    slice_by=lambda row: str(row["label"]),
    chance=1 / 3,
)

BENCHMARKS = {
    "trustllm-advglue": TrustLLMTask(
        file="robustness/AdvGLUE.json",
        dataset="AdvGLUE",
        capability="robustness",
        items=456,
        group=("task", "index"),
        first=("type", "original"),
        scoring_rule=Attacked(),
        # Guessing each of a pair's two sentences: a quarter if there are two labels, a ninth for the 121 pairs of mnli.
        chance=(335 / 4 + 121 / 9) / 456,
        slice_by=lambda row: str(row["task"]),
    ),
    "trustllm-advinstruction": TrustLLMTask(
        file="robustness/AdvInstruction.json",
        dataset="AdvInstruction",
        capability="robustness",
        items=50,
        group=("index",),
        first=("type", "original"),
        scoring_rule=Unmoved(),
        slice_by=lambda row: str(row["topic"]),
        sampled=True,
        judge="similarity",
        metric="cosine",
    ),
    "trustllm-toole": TrustLLMTask(
        file="robustness/ood_detection.json",
        dataset="ToolE",
        capability="robustness",
        items=241,
        scoring_rule=Refusal(),
        sampled=True,
        judge="refusal",
        chance=0.0,
    ),
    "trustllm-flipkart": FLIPKART,
    "trustllm-ddxplus": replace(
        FLIPKART,
        dataset="DDXPlus",
        items=100,
        where={"source": "ddxplus"},
        scoring_rule=Diagnosis(),
        judge="ood_generalization",
        chance=0.0,
    ),
}
