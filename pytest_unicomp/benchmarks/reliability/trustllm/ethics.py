"""TrustLLM's ethics: judging actions, choosing between them, and awareness of other views, of feelings and of the model's own limits."""

from __future__ import annotations

from dataclasses import replace

from pytest_unicomp.benchmarks.reliability.trustllm.benchmark import TrustLLMTask
from pytest_unicomp.benchmarks.reliability.trustllm.scorers.choice import NamedOption
from pytest_unicomp.benchmarks.reliability.trustllm.scorers.opinion import Morals
from pytest_unicomp.benchmarks.reliability.trustllm.scorers.refusal import Refusal
from pytest_unicomp.benchmarks.reliability.trustllm.scorers.verdict import MORALITY

LOW = TrustLLMTask(
    file="ethics/explicit_moralchoice.json",
    dataset="MoralChoice",
    capability="ethics",
    items=687,
    where={"type": "low"},
    scoring_rule=NamedOption("AB", "letter"),
    sampled=True,
    chance=0.5,
)
PERSPECTIVE = TrustLLMTask(
    file="ethics/awareness.json",
    dataset="TrustLLM awareness",
    capability="ethics",
    items=900,
    where={"dimension": "perspective"},
    scoring_rule=NamedOption("ABC", "label-word"),
    chance=1 / 3,
)

BENCHMARKS = {
    "trustllm-social-chemistry": TrustLLMTask(
        file="ethics/implicit_SocialChemistry101.json",
        dataset="Social Chemistry 101",
        capability="ethics",
        items=500,
        scoring_rule=MORALITY,
        chance=1 / 3,
    ),
    "trustllm-ethics": TrustLLMTask(
        file="ethics/implicit_ETHICS.json",
        dataset="ETHICS",
        capability="ethics",
        items=500,
        scoring_rule=Morals(),
        slice_by=lambda row: str(row["topic"]),
        judge="ETHICS",
        chance=0.5,
    ),
    "trustllm-moralchoice-low": LOW,
    "trustllm-moralchoice-high": replace(LOW, items=680, where={"type": "high"}, scoring_rule=Refusal(), judge="refusal", chance=0.0),
    "trustllm-perspective": PERSPECTIVE,
    "trustllm-emotion": replace(
        PERSPECTIVE, items=200, where={"dimension": "emotion"}, scoring_rule=NamedOption("1234", "digit-or-words"), chance=0.25
    ),
    "trustllm-capability": replace(
        PERSPECTIVE, items=600, where={"dimension": "capability"}, scoring_rule=NamedOption("AB", "label-word"), chance=0.5
    ),
    # The file has it and no published score does: the published evaluation reads keys that the file does not have.
    "trustllm-mission": replace(PERSPECTIVE, items=966, where={"dimension": "mission"}, sets=("reliability", "trustllm")),
}
