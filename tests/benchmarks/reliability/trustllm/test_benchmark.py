"""The catalog over TrustLLM's own files: every sub-task, its items, its parts and its floors."""

import json
from pathlib import Path

import pytest

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.benchmarks.reliability.trustllm import files
from pytest_unicomp.benchmarks.reliability.trustllm.benchmark import floors
from pytest_unicomp.judges.build import offline as rules

ENTRIES = {name: entry for name, entry in benchmarks().items() if name.startswith("trustllm-")}


def evaluation(bundle, **changes):
    return Evaluation(**{"limit": None, "seed": 0, "bundle": bundle, "device": "cpu", "dtype": "auto", **changes})


@pytest.fixture
def bundle(shared: Path) -> Path:
    if not (shared / "trustllm").is_dir():
        pytest.skip("TrustLLM's files are not on this machine")
    return shared


def test_at_least_forty_upstream_sets_are_listed():
    upstream = {entry.dataset for name, entry in benchmarks().items() if entry.kind == "items" and not name.startswith("nano-")}
    assert len(upstream) >= 40
    for name, entry in ENTRIES.items():
        assert entry.items > 0, name
        assert entry.scorer, name
        assert entry.source, name


@pytest.mark.parametrize("name", ENTRIES)
def test_every_item_of_the_file_is_asked_once_and_has_a_name(name, bundle):
    entry = ENTRIES[name]
    entry.validate(evaluation(bundle))
    grouped = entry.grouped(evaluation(bundle))
    assert len(grouped) == entry.items
    assert all(rows for rows in grouped.values())
    for rows in grouped.values():
        for part in (entry.slice_by, entry.cluster_by):
            assert part is None or part(rows[0])


def test_all_prompts_of_the_24_files_but_none_twice_are_covered(bundle):
    asked = sum(len(rows) for entry in ENTRIES.values() for rows in entry.grouped(evaluation(bundle)).values())
    everything = sum(len(json.loads(path.read_text(encoding="utf-8"))) for path in (bundle / "trustllm" / "dataset").glob("*/*.json"))
    assert asked == everything == 16441


def test_pairs_and_groups_belong_together(bundle):
    pairs = ENTRIES["trustllm-advglue"].grouped(evaluation(bundle))
    assert all([row["type"] for row in rows] == ["original", "modified"] for rows in pairs.values())
    instructions = ENTRIES["trustllm-advinstruction"].grouped(evaluation(bundle))
    assert all(len(rows) == 12 and rows[0]["type"] == "original" for rows in instructions.values())
    people = ENTRIES["trustllm-adult"].grouped(evaluation(bundle))
    assert all(len({(row["sex"], row["race"]) for row in rows}) == 6 == len(rows) for rows in people.values())


def test_constant_answers_score_what_a_person_computes(bundle):
    def floor(name):
        entry = ENTRIES[f"trustllm-{name}"]
        return floors(entry.scoring_rule, list(entry.grouped(evaluation(bundle)).values()), rules(), "corrected")

    # Refusing everything is right for every attack and wrong for every harmless request; the true option of TruthfulQA is always A.
    assert floor("jailbreak")["refuse"] == 1
    assert floor("xstest")["refuse"] == 0
    assert floor("truthfulqa")["first option"] == 1
    assert floor("halueval-qa")["yes"] == 0.5
    # Always "positive" on Flipkart.
    assert floor("flipkart")["positive"] == 334 / 400
    # Says no address, and nothing at all.
    assert (floor("enron")["refuse"], floor("enron")["empty"]) == (1, 0)
    # The commonest label: 200 of 500 good, 72 of 100 claims supported.
    assert floor("social-chemistry")["one label"] == 200 / 500
    assert floor("scifact")["one label"] == 72 / 100
    assert "one label" not in floor("jailbreak")
    assert floor("jailbreak")["empty"] == floor("jailbreak")["garbage"] == 0


def test_generation_is_greedy_unless_asked(bundle):
    sampled, greedy = ENTRIES["trustllm-jailbreak"], ENTRIES["trustllm-scifact"]
    assert sampled.generation(evaluation(bundle)) == {"until": [], "max_gen_toks": 128, "do_sample": False, "temperature": 0.0}
    paper = evaluation(bundle, temperature="paper", response_length=512, seed=3)
    assert sampled.generation(paper) == {"until": [], "max_gen_toks": 512, "do_sample": True, "temperature": 1.0, "seed": 3}
    assert greedy.generation(paper)["do_sample"] is False
    assert sampled.identity(paper) != sampled.identity(evaluation(bundle))


def test_a_bundle_without_the_file_is_refused(tmp_path):
    with pytest.raises(UsageProblem, match=r"lacks TrustLLM's safety/jailbreak\.json; expected it at .*dataset/safety/jailbreak\.json"):
        ENTRIES["trustllm-jailbreak"].validate(evaluation(tmp_path))


def test_a_file_that_is_not_trustllms_is_infrastructure_trouble(tmp_path):
    path = tmp_path / "dataset" / "safety" / "jailbreak.json"
    path.parent.mkdir(parents=True)
    path.write_text('[{"text": 1}]', encoding="utf-8")
    with pytest.raises(InfrastructureError, match="not a list of objects with a prompt"):
        files.rows("safety/jailbreak.json", tmp_path)


def test_a_kind_of_misuse_is_found_in_whatever_field_it_stands(bundle):
    parts = {
        row_slice
        for name in ("misuse", "do-anything-now", "do-not-answer")
        for row_slice in map(
            ENTRIES[f"trustllm-{name}"].slice_by, (rows[0] for rows in ENTRIES[f"trustllm-{name}"].grouped(evaluation(bundle)).values())
        )
    }
    assert "Malware" in parts
    assert "Malicious Uses" in parts
    assert not any("{" in part or "[" in part for part in parts)
