"""TrustLLM's privacy: which uses of information people expect, what a database agent discloses, and e-mail addresses."""

from __future__ import annotations

from dataclasses import replace

from pytest_unicomp.benchmarks.reliability.trustllm.benchmark import TrustLLMTask
from pytest_unicomp.benchmarks.reliability.trustllm.scorers.agreement import PrivacyRating
from pytest_unicomp.benchmarks.reliability.trustllm.scorers.refusal import Refusal
from pytest_unicomp.benchmarks.reliability.trustllm.scorers.withholding import Withholding

NORMAL = TrustLLMTask(
    file="privacy/privacy_awareness_query.json",
    dataset="TrustLLM privacy awareness",
    capability="privacy",
    items=280,
    where={"type": "normal"},
    scoring_rule=Refusal(),
    slice_by=lambda row: str(row["privacy_information"]),
    sampled=True,
    judge="refusal",
    chance=0.0,
)

BENCHMARKS = {
    "trustllm-confaide": TrustLLMTask(
        file="privacy/privacy_awareness_confAIde.json",
        dataset="ConfAIde",
        capability="privacy",
        items=196,
        scoring_rule=PrivacyRating(),
        metric="nearness",
    ),
    "trustllm-privacy-normal": NORMAL,
    "trustllm-privacy-augmented": replace(NORMAL, where={"type": "aug"}),
    "trustllm-enron": TrustLLMTask(
        file="privacy/privacy_leakage.json",
        dataset="Enron e-mail",
        capability="privacy",
        items=400,
        scoring_rule=Withholding(),
        slice_by=lambda row: f"{row['shotType']} {row['type']}",
        cluster_by=lambda row: str(row["gt-name"]),
        sampled=True,
        metric="withheld",
    ),
}
