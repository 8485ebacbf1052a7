"""The catalogue beside the paper's protocol (arXiv 2602.09130, Tables 7 to 9, and TrustLLM's files): items, shots, metric, judge, chance."""

import json

import pytest
from typer.testing import CliRunner

from pytest_unicomp.benchmarks.performance.global_mmlu import HIGH, LOW
from pytest_unicomp.cli import app

# What the paper evaluates: benchmark, upstream data set, items, shots, metric, chance.
PERFORMANCE = [
    ("mmlu", "cais/mmlu", 14042, 0, "acc", 0.25),
    ("arc_challenge", "allenai/ai2_arc", 1172, 0, "acc_norm", 0.25),
    ("arc_easy", "allenai/ai2_arc", 2376, 0, "acc_norm", 0.25),
    ("hellaswag", "Rowan/hellaswag", 10042, 0, "acc_norm", 0.25),
    ("piqa", "baber/piqa", 1838, 0, "acc_norm", 0.5),
    ("winogrande", "allenai/winogrande", 1267, 0, "acc", 0.5),
    *[(f"global_mmlu_{language}", "CohereLabs/Global-MMLU-Lite", 400, 0, "acc", 0.25) for language in (*HIGH, *LOW)],
    ("bbq", "oskarvanderwal/bbq", 58492, 0, "acc", 0.5),
    ("gsm8k-paper", "openai/gsm8k", 1319, 4, "exact_match", 0),
    ("minerva_math500-paper", "HuggingFaceH4/MATH-500", 500, 4, "math_verify", 0),
    ("gpqa_diamond-paper", "Idavidrein/gpqa", 198, 5, "exact_match", 0.25),
    ("ifbench", "allenai/IFBench_test", 300, 0, "prompt_level_loose_acc", 0),
]
# Sub-task of TrustLLM: items, whether a judge is needed (by name), chance.
RELIABILITY = {
    "codah": (100, None, 0.25),
    "squad2": (100, "squad", 0),
    "adversarialqa": (100, "adv", 0),
    "hotpotqa": (100, "hotpot", 0),
    **dict.fromkeys(("scifact", "covid-fact", "healthver", "climate-fever"), (100, None, 0.5)),
    **dict.fromkeys(("halueval-qa", "halueval-summarization", "halueval-dialogue"), (100, None, 0.5)),
    "truthfulqa": (352, None, 0.3018),
    "sycophancy-persona": (179, "similarity", None),
    # 240 prompts in pairs.
    "sycophancy-preference": (120, "sycophancy_preference", None),
    "adversarial-factuality": (209, "advfact", 0),
    "jailbreak": (1400, "refusal", 0),
    "xstest": (200, "refusal", 0),
    "misuse": (441, "refusal", 0),
    "do-anything-now": (390, "refusal", 0),
    "do-not-answer": (343, "refusal", 0),
    "stereoset": (1000, "stereotype_recognition", 1 / 3),
    "crows-pairs": (1000, "stereotype_agreement", 0),
    "stereotype-query": (95, "refusal", 0),
    # 810 prompts about 135 people.
    "adult": (135, None, None),
    "preference-plain": (120, "refusal", 0),
    "preference-force": (120, "refusal", 0),
    # 912 prompts in pairs: a guess is right on both sentences of a quarter, of mnli a ninth.
    "advglue": (456, None, pytest.approx(0.2132, abs=1e-4)),
    # 600 prompts, twelve an instruction.
    "advinstruction": (50, "similarity", None),
    "toole": (241, "refusal", 0),
    "flipkart": (400, None, 1 / 3),
    "ddxplus": (100, "ood_generalization", 0),
    "confaide": (196, None, None),
    "privacy-normal": (280, "refusal", 0),
    "privacy-augmented": (280, "refusal", 0),
    "enron": (400, None, None),
    "social-chemistry": (500, None, 1 / 3),
    "ethics": (500, "ETHICS", 0.5),
    "moralchoice-low": (687, None, 0.5),
    "moralchoice-high": (680, "refusal", 0),
    "perspective": (900, None, 1 / 3),
    "emotion": (200, None, 0.25),
    "capability": (600, None, 0.5),
    "mission": (966, None, 1 / 3),
}
# What v1 has in TrustLLM's files and in no score.
UNSCORED = {"trustllm-mission", "trustllm-sycophancy-preference", "trustllm-adversarial-factuality"}
PROMPTS = {"sycophancy-preference": 240, "adult": 810, "advglue": 912, "advinstruction": 600}
FIELDS = {"benchmark", "dimension", "capability", "dataset", "items", "shots", "metric", "scorer", "judge", "chance", "source"}


@pytest.fixture(scope="module")
def listed():
    made = CliRunner().invoke(app, ["benchmarks", "--json"])
    return {row["benchmark"]: row for row in json.loads(made.stdout)}


@pytest.mark.parametrize(("name", "dataset", "items", "shots", "metric", "chance"), PERFORMANCE)
def test_a_performance_benchmark_is_that_of_the_protocol(listed, name, dataset, items, shots, metric, chance):
    row = listed[name]
    assert (row["dataset"], row["items"], row["shots"], row["metric"], row["chance"]) == (dataset, items, shots, metric, chance)
    assert row["dimension"] == "performance"
    assert "paper" in row["sets"]


@pytest.mark.parametrize("name", RELIABILITY)
def test_a_sub_task_of_trustllm_is_that_of_the_protocol(listed, name):
    row, (items, judge, chance) = listed[f"trustllm-{name}"], RELIABILITY[name]
    assert (row["items"], row["judge"], row["chance"], row["shots"]) == (items, judge, chance, 0)
    assert row["dimension"] == "reliability"
    assert ("paper" in row["sets"]) is (f"trustllm-{name}" not in UNSCORED)


def test_trustllm_is_listed_whole(listed):
    assert {f"trustllm-{name}" for name in RELIABILITY} == {name for name in listed if name.startswith("trustllm-")}
    assert sum(PROMPTS.get(name, items) for name, (items, _, _) in RELIABILITY.items()) == 16441


def test_every_entry_has_every_field_and_forty_upstream_sets_are_there(listed):
    assert all(set(row) >= FIELDS for row in listed.values())
    for name, row in listed.items():
        assert row["scorer"], name
        assert row["source"], name
        # Blocks depend on the tokenizer; JSONSchemaBench was uploaded anew with other sizes.
        unknown = ("wikitext2-perplexity", *(f"jsonschema_bench_{size}" for size in ("easy", "medium", "hard")))
        assert row["dimension"] == "efficiency" or row["items"] or name in unknown, name
    upstream = {row["dataset"] for name, row in listed.items() if row["dataset"] and not name.startswith("nano-")}
    assert len(upstream) >= 40
