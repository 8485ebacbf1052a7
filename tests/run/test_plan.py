"""Names become cells, in one order, or one clear line."""

from dataclasses import replace

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.api.registry import benchmarks, methods
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.run.plan import expand, plan

ANYHOW = Evaluation(limit=10, seed=0, bundle=None, device="cpu", dtype="auto")


def planned(**flags):
    return plan(resolve({"model": "nano", **flags}, {}), ANYHOW)


def test_every_recipe_meets_every_benchmark_once_and_cells_of_one_recipe_stand_together():
    made = planned(recipe=["rtn-w8a16,wanda-50"], benchmark=["nano-knowledge,bytes"])
    assert [(cell.recipe, cell.benchmark) for cell in made.cells] == [
        ("rtn-w8a16", "nano-knowledge"),
        ("rtn-w8a16", "bytes"),
        ("wanda-50", "nano-knowledge"),
        ("wanda-50", "bytes"),
    ]


def test_a_server_without_one_of_the_reference_beside_it_is_not_timed():
    served = {"serve_candidate": "vllm serve {model} --port {port}", "benchmark": ["nano-knowledge,prefill-latency"], "recipe": ["dense"]}
    assert [cell.benchmark for cell in planned(**served, reference="stored").cells] == ["nano-knowledge"]
    both = planned(**served, serve="vllm serve {model} --port {port}")
    assert [cell.benchmark for cell in both.cells] == ["nano-knowledge", "prefill-latency"]


def test_a_recipe_that_nothing_is_asked_of_has_no_check_of_its_files():
    made = planned(recipe=["dense"], benchmark=["kernel-int4"])
    assert made.artifacts() == ()
    assert [cell.recipe for cell in planned(recipe=["dense"], benchmark=["kernel-int4,bytes"]).artifacts()] == ["dense"]


def test_all_informing_recipes_come_after_the_gating_ones_and_none_twice():
    made = planned(recipe=["wanda-50"], inform=["all"], benchmark=["bytes"])
    names = [candidate.name for candidate in made.candidates]
    assert names[0] == "wanda-50"
    assert len(set(names)) == len(names) > len(methods()) / 2
    assert [candidate.gates for candidate in made.candidates] == [True] + [False] * (len(names) - 1)


def test_a_set_asked_of_another_model_leaves_the_embedded_world_out_unless_it_is_named():
    assert not [name for name in expand(["performance", "reliability", "efficiency"], model="org/name") if name.startswith("nano-")]
    assert "nano-reasoning" in expand(["nano"], model="org/name")
    assert "nano-reasoning" in expand(["performance"], model="nano")


def test_the_default_of_the_embedded_model_is_what_its_items_decide_and_what_costs_seconds():
    made = planned(recipe=["rtn-w8a16"])
    assert set(made.benchmarks) == {
        *("nano-perplexity", "nano-knowledge", "nano-reasoning", "nano-instruction-following", "nano-safety"),
        *("bytes", "compress-seconds", "compress-peak-memory", "prefill-latency", "decode-latency"),
    }


def test_a_benchmark_of_another_package_joins_a_set_by_saying_so(monkeypatch):
    table = benchmarks()
    entries = {**table.entries, "mine": replace(table["bytes"], sets=("nano-default",))}
    monkeypatch.setattr("pytest_unicomp.benchmarks.configured.benchmarks", lambda: replace(table, entries=entries))
    assert "mine" in planned(recipe=["rtn-w8a16"]).benchmarks


def test_a_list_that_selects_nothing_is_refused():
    with pytest.raises(UsageProblem, match="select nothing for the model 'org/name'"):
        expand([], model="org/name")


def test_the_set_of_the_paper_is_its_protocol_and_not_lm_evals_defaults():
    names = expand(["paper"], model="org/name")
    assert {"gsm8k-paper", "ifbench", "wikitext2-perplexity"} < set(names)
    assert "gsm8k" not in names


def test_each_capability_is_pooled_once_per_recipe():
    made = planned(recipe=["wanda-50"], benchmark=["nano-knowledge,nano-reasoning,bytes"])
    assert [(cell.recipe, cell.capability) for cell in made.pooled()] == [("wanda-50", "knowledge"), ("wanda-50", "reasoning")]


def test_candidates_of_one_name_stay_apart(tmp_path):
    folders = [tmp_path / "a" / "out", tmp_path / "b" / "out"]
    made = planned(candidate=[str(folder) for folder in folders], benchmark=["bytes"])
    names = [candidate.name for candidate in made.candidates]
    assert names[0] == "out"
    assert len(set(names)) == 2


def test_nothing_to_judge_is_refused():
    with pytest.raises(UsageProblem, match="nothing to judge"):
        planned(recipe=[","], benchmark=["bytes"])


def test_every_benchmark_says_what_it_is():
    for name, entry in benchmarks().items():
        assert entry.dimension in ("performance", "reliability", "efficiency"), name
        assert entry.kind in ("items", "size", "latency", "kernel"), name
        assert entry.sets or getattr(entry, "gated", False), f"{name} is in no set, so that only who knows its name can find it"


@pytest.fixture
def bundle(tmp_path):
    """A bundle that holds ARC-Easy, one of TrustLLM's files, and WikiText's tokenized text alone."""
    for name in ("allenai/ai2_arc/ARC-Easy/test.jsonl", "dataset/safety/jailbreak.json", "Salesforce/wikitext/wikitext-2-v1/test.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("[]", encoding="utf-8")
    return Evaluation(limit=10, seed=0, bundle=tmp_path, device="cpu", dtype="auto")


def test_everything_that_the_bundle_lacks_is_named_at_once_with_a_command_that_prefetch_understands(bundle):
    asked = ["arc_easy,arc_challenge,hellaswag,global_mmlu_de,global_mmlu_fr,trustllm-jailbreak,trustllm-misuse"]
    with pytest.raises(UsageProblem) as refused:
        plan(resolve({"model": "nano", "recipe": ["wanda-50"], "benchmark": asked}, {}), bundle)
    said = str(refused.value)
    assert "allenai/ai2_arc, configuration ARC-Challenge (arc_challenge)" in said
    assert "CohereLabs/Global-MMLU-Lite (global_mmlu_de and 1 more)" in said
    assert "TrustLLM's safety/misuse.json (trustllm-misuse)" in said
    assert "arc_easy" not in said
    typed = said.partition("prefetch --benchmark ")[2].split()[0].split(",")
    assert set(expand(typed, model="org/name")) == {"arc_challenge", "hellaswag", "global_mmlu_de", "global_mmlu_fr", "trustllm-misuse"}


def test_the_set_bundle_is_what_the_bundle_holds_and_says_what_it_lacks(bundle):
    made = plan(resolve({"model": "nano", "recipe": ["wanda-50"], "benchmark": ["bundle,bytes"]}, {}), bundle)
    assert made.benchmarks == ("arc_easy", "wikitext2-perplexity", "trustllm-jailbreak", "bytes")
    left_out, substituted = made.notes
    assert "Rowan/hellaswag" in left_out
    assert "TrustLLM's safety/misuse.json" in left_out
    assert substituted.startswith("wikitext2-perplexity: the bundle lacks Salesforce/wikitext, configuration wikitext-2-raw-v1")


def test_the_set_bundle_needs_a_bundle():
    with pytest.raises(UsageProblem, match="give --unicomp-bundle=DIR"):
        planned(benchmark=["bundle"], recipe=["wanda-50"])
