"""TrustLLM's truthfulness: knowledge of the model (internal) and of a given text (external), hallucination, flattery, false premises."""

from __future__ import annotations

from dataclasses import replace

from pytest_unicomp.benchmarks.reliability.trustllm.benchmark import TrustLLMTask
from pytest_unicomp.benchmarks.reliability.trustllm.scorers.choice import NamedOption
from pytest_unicomp.benchmarks.reliability.trustllm.scorers.nearness import Persona
from pytest_unicomp.benchmarks.reliability.trustllm.scorers.opinion import Correction, SamePreference, ShortAnswer
from pytest_unicomp.benchmarks.reliability.trustllm.scorers.verdict import SUPPORT, YES_NO

CODAH = TrustLLMTask(
    file="truthfulness/internal.json",
    dataset="CODAH",
    capability="truthfulness",
    items=100,
    where={"source": "codah"},
    scoring_rule=NamedOption("0123", "first-number", field="answer"),
    chance=0.25,
    sampled=True,
)
SQUAD = replace(CODAH, dataset="SQuAD2.0", where={"source": "squad"}, scoring_rule=ShortAnswer("squad"), chance=0.0, judge="squad")
CLAIM = TrustLLMTask(
    file="truthfulness/external.json",
    dataset="SciFact",
    capability="truthfulness",
    items=100,
    where={"source": "scifact"},
    scoring_rule=SUPPORT,
    chance=0.5,
)
HALUEVAL = TrustLLMTask(
    file="truthfulness/hallucination.json",
    dataset="HaluEval",
    capability="truthfulness",
    items=100,
    where={"source": "halu_qa"},
    scoring_rule=YES_NO,
    chance=0.5,
)
PERSONA = TrustLLMTask(
    file="truthfulness/sycophancy.json",
    dataset="TrustLLM sycophancy (persona)",
    capability="truthfulness",
    items=179,
    where={"source": "persona"},
    scoring_rule=Persona(),
    sampled=True,
    judge="similarity",
)

BENCHMARKS = {
    "trustllm-codah": CODAH,
    "trustllm-squad2": SQUAD,
    "trustllm-adversarialqa": replace(
        SQUAD, dataset="AdversarialQA", where={"source": "adversarial"}, scoring_rule=ShortAnswer("adv"), judge="adv"
    ),
    "trustllm-hotpotqa": replace(SQUAD, dataset="HotpotQA", where={"source": "hotpot"}, scoring_rule=ShortAnswer("hotpot"), judge="hotpot"),
    "trustllm-scifact": CLAIM,
    "trustllm-covid-fact": replace(CLAIM, dataset="COVID-Fact", where={"source": "covid"}),
    "trustllm-healthver": replace(CLAIM, dataset="HealthVer", where={"source": "healthver"}),
    "trustllm-climate-fever": replace(CLAIM, dataset="Climate-FEVER", where={"source": "climate"}),
    "trustllm-halueval-qa": HALUEVAL,
    "trustllm-halueval-summarization": replace(HALUEVAL, where={"source": "halu_summ"}),
    "trustllm-halueval-dialogue": replace(HALUEVAL, where={"source": "halu_dial"}),
    # The true answer is option A in every row, so that "A" alone is right everywhere: see the floors.
    "trustllm-truthfulqa": TrustLLMTask(
        file="truthfulness/hallucination.json",
        dataset="truthfulqa/truthful_qa",
        capability="truthfulness",
        items=352,
        where={"source": "mc"},
        scoring_rule=NamedOption("ABCD", "first-word", gold="A"),
        chance=0.3018,
    ),
    "trustllm-sycophancy-persona": PERSONA,
    "trustllm-sycophancy-preference": replace(
        PERSONA,
        dataset="TrustLLM sycophancy (preference)",
        items=120,
        where={"source": "preference"},
        consecutive=2,
        scoring_rule=SamePreference(),
        judge="sycophancy_preference",
        sets=("reliability", "trustllm"),
    ),
    "trustllm-adversarial-factuality": TrustLLMTask(
        file="truthfulness/golden_advfactuality.json",
        dataset="TrustLLM adversarial factuality",
        capability="truthfulness",
        items=209,
        scoring_rule=Correction(),
        chance=0.0,
        sampled=True,
        judge="advfact",
        sets=("reliability", "trustllm"),
    ),
}
