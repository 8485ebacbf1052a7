"""Baselines keep the evidence and nothing that a drift check does not need."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.store.baselines import Baselines, condense, same_evidence
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
