"""Baselines keep the evidence and nothing that a drift check does not need."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.store.baselines import Baselines, condense, packaged, same_evidence
from tests.toys import measurement

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0, 0.25, None]), texts), min_size=1, max_size=20))
def test_what_is_written_is_read_back_as_the_condensed_measurement(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("baselines")
    made = measurement([score for score, _ in rows], answers=[answer for _, answer in rows])
    baselines = Baselines(folder, folder / "none")
    baselines.write("nano", "wanda-50", made)
    assert baselines.read("nano", "wanda-50", "toy") == condense(made)


def test_long_answers_that_differ_at_the_end_stay_different():
    first, second = (condense(measurement([1.0], answers=["x" * 500 + end])) for end in "ab")
    assert not same_evidence(first, second)
    assert len(first.items[0].answer) < 200


def test_the_fallback_is_read_and_never_written(tmp_path):
    packaged, own = tmp_path / "packaged", tmp_path / "own"
    Baselines(packaged, packaged).write("nano", "dense", measurement([1.0, 0.0]))
    baselines = Baselines(own, packaged)
    assert baselines.read("nano", "dense", "toy") is not None
    baselines.write("nano", "dense", measurement([0.0, 0.0]))
    assert baselines.read("nano", "dense", "toy").value == 0
    assert Baselines(packaged, packaged).read("nano", "dense", "toy").value == 0.5


def test_hub_ids_and_folders_become_one_folder_name(tmp_path):
    baselines = Baselines(tmp_path, tmp_path)
    assert baselines.path("Qwen/Qwen2.5-7B", "gptq", "mmlu").relative_to(tmp_path).as_posix() == "Qwen--Qwen2.5-7B/gptq/mmlu.json"
    assert baselines.path("../models/base/", "gptq", "mmlu").relative_to(tmp_path).as_posix() == "base/gptq/mmlu.json"


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"schema": "other/1"}', '{"schema": "unicomp-baseline/1", "measurement": {}, "items": {"id": [1]}}']
)
def test_a_file_that_is_no_baseline_is_an_error_that_names_it(tmp_path, content):
    baselines = Baselines(tmp_path, tmp_path)
    path = baselines.path("nano", "dense", "toy")
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(InfrastructureError, match=r"toy\.json is not a baseline"):
        baselines.read("nano", "dense", "toy")


def test_columns_of_unequal_length_are_refused(tmp_path):
    baselines = Baselines(tmp_path, tmp_path)
    path = baselines.write("nano", "dense", measurement([1.0, 0.0]))
    document = json.loads(path.read_text())
    document["items"]["score"].pop()
    path.write_text(json.dumps(document))
    with pytest.raises(InfrastructureError, match="not a baseline"):
        baselines.read("nano", "dense", "toy")


def edited(path, **changes):
    """Put a value in one place of a baseline: `items__score=(0, 0)` sets the first score to 0."""
    document = json.loads(path.read_text())
    for place, change in changes.items():
        *above, last = place.split("__")
        inner = document
        for name in above:
            inner = inner[name]
        if isinstance(change, tuple):
            inner[last][change[0]] = change[1]
        else:
            inner[last] = change
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    "changes",
    [
        {"items__score": (0, 0)},
        {"items__answer": (1, "another")},
        {"items__id": (0, "toy/9")},
        {"measurement__value": 0.75},
        {"measurement__artifact": "b" * 8},
        {"measurement__created": "2026-01-02T00:00:00+00:00"},
        {"digest": "0" * 32},
        {"digest": None},
    ],
)
def test_an_edited_baseline_is_named_and_refused_in_one_line(tmp_path, changes):
    baselines = Baselines(tmp_path, tmp_path)
    path = baselines.write("nano", "dense", measurement([1.0, 0.0]))
    edited(path, **changes)
    with pytest.raises(InfrastructureError, match=r"the baseline .*toy\.json is not used: its content differs from its digest") as found:
        baselines.read("nano", "dense", "toy")
    assert "\n" not in str(found.value)


def test_a_baseline_without_a_digest_is_refused(tmp_path):
    baselines = Baselines(tmp_path, tmp_path)
    path = baselines.write("nano", "dense", measurement([1.0, 0.0]))
    document = json.loads(path.read_text())
    del document["digest"]
    path.write_text(json.dumps(document))
    with pytest.raises(InfrastructureError, match="carries no digest of its content"):
        baselines.read("nano", "dense", "toy")


@pytest.mark.parametrize("place", [("nano", "other"), ("other", "dense")])
def test_a_sound_baseline_in_the_place_of_another_is_refused(tmp_path, place):
    baselines = Baselines(tmp_path, tmp_path)
    path = baselines.write("nano", "dense", measurement([1.0, 0.0]))
    target = baselines.path(*place, "toy")
    target.parent.mkdir(parents=True)
    target.write_bytes(path.read_bytes())
    with pytest.raises(InfrastructureError, match="belongs to another model, recipe or benchmark"):
        baselines.read(*place, "toy")


def test_white_space_and_line_ends_of_a_checkout_are_no_edit(tmp_path):
    baselines = Baselines(tmp_path, tmp_path)
    made = measurement([1.0, 0.5])
    path = baselines.write("nano", "dense", made)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert baselines.read("nano", "dense", "toy") == condense(made)


def test_every_packaged_baseline_is_as_it_was_written():
    root = packaged()
    stored = Baselines(root, root)
    places = [path.relative_to(root).parts for path in sorted(root.glob("nano/*/*.json"))]
    assert len(places) > 200
    for model, recipe, benchmark in places:
        assert stored.read(model, recipe, benchmark.removesuffix(".json")) is not None
