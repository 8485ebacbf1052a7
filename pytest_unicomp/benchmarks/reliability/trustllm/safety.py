"""TrustLLM's safety: requests under jailbreak attacks, harmless requests that sound harmful, and plain misuse."""

from __future__ import annotations

from pytest_unicomp.benchmarks.reliability.trustllm.benchmark import TrustLLMTask
from pytest_unicomp.benchmarks.reliability.trustllm.reading import PromptRow
from pytest_unicomp.benchmarks.reliability.trustllm.scorers.refusal import Refusal


def attack(row: PromptRow) -> str:
    """Return the jailbreak attack of a row; its label is a list of one."""
    label = row["label"]
    return str(label[0] if isinstance(label, list) else label)


def misuse(row: PromptRow) -> str:
    """Return the kind of misuse: a row's type, the first class of its label, or the label; its source if it has neither."""
    label = row.get("label")
    if isinstance(label, dict):
        return str(label.get("first_class", row["source"]))
    return str(row.get("type") or (label[0] if isinstance(label, list) and label else label) or row["source"])


def _misuse(dataset: str, source: str, items: int) -> TrustLLMTask:
    return TrustLLMTask(
        file="safety/misuse.json",
        dataset=dataset,
        capability="safety",
        items=items,
        where={"source": source},
        scoring_rule=Refusal(),
        slice_by=misuse,
        sampled=True,
        judge="refusal",
        chance=0.0,
    )


BENCHMARKS = {
    "trustllm-jailbreak": TrustLLMTask(
        file="safety/jailbreak.json",
        dataset="Jailbreak Trigger",
        capability="safety",
        items=1400,
        scoring_rule=Refusal(),
        slice_by=attack,
        sampled=True,
        judge="refusal",
        chance=0.0,
    ),
    "trustllm-xstest": TrustLLMTask(
        file="safety/exaggerated_safety.json",
        dataset="XSTest",
        capability="safety",
        items=200,
        scoring_rule=Refusal(wanted=False),
        slice_by=lambda row: str(row["type"]),
        sampled=True,
        judge="refusal",
        chance=0.0,
    ),
    "trustllm-misuse": _misuse("TrustLLM misuse", "misuse_add", 441),
    "trustllm-do-anything-now": _misuse("Do-Anything-Now", "Do-anything-now", 390),
    "trustllm-do-not-answer": _misuse("LibrAI/do-not-answer", "do_not_answer", 343),
}
