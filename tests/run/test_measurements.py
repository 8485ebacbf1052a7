"""Scores are filed under a fingerprint only if the files that were measured are still those of that fingerprint."""

import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.config.backend import SERVER
from pytest_unicomp.config.evaluated_by import EvaluatedBy
from pytest_unicomp.config.evaluation import evaluation_of
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.run.measurements import Measurements
from pytest_unicomp.run.named_content import _of_command
from pytest_unicomp.run.pace import Pace
from pytest_unicomp.store.local import Store
from tests.toys import artifact, measurement


def in_this_process(recipe: str) -> EvaluatedBy:
    return EvaluatedBy("hf", None, "UNICOMP_API_KEY", "--unicomp-serve")


def measurements_of(loaded: Any, store: Store, by: Any = in_this_process) -> Measurements:
    """Measurements of nano's sets in this process, without progress."""
    evaluation = evaluation_of(resolve({"model": "nano", "recipe": ["dense"]}, {}))
    ignored: Any = {"progress": lambda _: None, "detail": lambda _: None}
    return Measurements(
        evaluation, "cpu", loaded, evaluated_by=by, table=benchmarks(), store=store, pace=Pace(store, "nano", "cpu"), **ignored
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("config.json", "are not those of its fingerprint"),
        ("generation_config.json", "the generation settings of toy .* changed during its evaluation"),
        (None, ""),
    ],
)
def test_scores_of_files_that_changed_meanwhile_are_not_kept(tmp_path, monkeypatch, name, said):
    folder = tmp_path / "theirs"
    shutil.copytree(hub.NANO, folder)
    made = artifact(str(folder), fingerprint=hub.fingerprint(folder))

    def measured(*_: Any) -> Any:
        if name is not None:
            (folder / name).write_text((folder / name).read_text() + " ")
        return measurement([1.0], artifact=made.fingerprint, benchmark="nano-safety")

    monkeypatch.setattr("pytest_unicomp.run.evaluate.measure", measured)
    loaded: Any = SimpleNamespace(evaluator=lambda *_: SimpleNamespace(lm=SimpleNamespace()), answering=lambda _: nullcontext())
    store = Store(tmp_path / "store")
    measurements = measurements_of(loaded, store)
    key = measurements.key(made, "toy", "nano-safety")
    if name is None:
        assert measurements.items(made, "toy", "nano-safety") is not None
        assert store.read("measurements", key) is not None
        return
    with pytest.raises(InfrastructureError, match=said):
        measurements.items(made, "toy", "nano-safety")
    assert store.read("measurements", key) is None


def key_by(by: EvaluatedBy, made: Any, store: Store) -> str:
    return measurements_of(SimpleNamespace(), store, by=lambda _: by).key(made, "toy", "nano-safety")


@pytest.mark.parametrize("argument", ["pretrained={export}", "model={{model}}/export", "path={export}/openvino.bin"])
def test_scores_of_an_export_are_not_those_of_its_checkpoint(tmp_path, argument):
    folder, store = tmp_path / "theirs", Store(tmp_path / "store")
    export = folder / "export" / "openvino.bin"
    export.parent.mkdir(parents=True)
    by = EvaluatedBy("lm-eval:openvino," + argument.format(export=export.parent), None, "UNICOMP_API_KEY", "--unicomp-backend")
    keys = []
    for content in ("weights", "other weights"):
        export.write_text(content)
        keys.append(key_by(by, artifact(str(folder)), store))
    assert keys[0] != keys[1]


def test_scores_of_a_server_are_not_those_of_one_whose_command_names_another_file(tmp_path):
    template, store = tmp_path / "chat.jinja", Store(tmp_path / "store")
    by = EvaluatedBy(SERVER, f"vllm serve {{model}} --port {{port}} --chat-template={template}", "UNICOMP_API_KEY", "--unicomp-serve")
    template.write_text("one")
    first = key_by(by, artifact(str(tmp_path)), store)
    # Within a run it stays, since the server read the file when it was started.
    template.write_text("another")
    assert key_by(by, artifact(str(tmp_path)), store) == first
    _of_command.cache_clear()
    assert key_by(by, artifact(str(tmp_path)), store) != first


QUESTIONS = [f"question {place}" for place in range(6)]
RIGHT = {question: [-0.5 - place, place % 2 == 0] for place, question in enumerate(QUESTIONS)}


class Killed(Exception):
    """Stands for a kill: nothing of the evaluation is kept but its journal."""


class ToyModel:
    """A language model that answers by heart, looks answers up in its journal, and can be killed after some."""

    resume_log: Any = None

    def __init__(self) -> None:
        self.computed: list[str] = []

    def answers(self, most: int) -> list[Any]:
        found = []
        for question in QUESTIONS:
            answer = self.resume_log.get("loglikelihood", question)
            if answer is None:
                if len(self.computed) == most:
                    raise Killed
                self.computed.append(question)
                answer = RIGHT[question]
                self.resume_log.put("loglikelihood", question, answer)
            found.append(answer)
        return found


@pytest.fixture(scope="module")
def nano_artifact():
    return artifact(str(hub.NANO), fingerprint=hub.fingerprint(hub.NANO))


def killed_and_resumed(root: Path, made: Any, edit: Callable[[bytes], bytes]) -> tuple[Any, ToyModel, list[str], Store]:
    """Kill an evaluation after four answers, edit its journal, resume; return the scores, the model that resumed, the notices and the store."""
    store, notices = Store(root), []
    store.notice = notices.append
    with pytest.MonkeyPatch.context() as patch:

        def evaluated(model: ToyModel, most: int) -> Any:
            def measured(*_: Any) -> Any:
                answers = model.answers(most)
                scores, texts = [float(greedy) for _, greedy in answers], [json.dumps(answer) for answer in answers]
                return measurement(scores, answers=texts, artifact=made.fingerprint, benchmark="nano-safety")

            patch.setattr("pytest_unicomp.run.evaluate.measure", measured)
            loaded: Any = SimpleNamespace(evaluator=lambda *_: SimpleNamespace(lm=model), answering=lambda _: nullcontext())
            runner = measurements_of(loaded, store)
            return runner.items(made, "toy", "nano-safety")

        with pytest.raises(InfrastructureError, match="Killed"):
            evaluated(ToyModel(), 4)
        [journal] = (root / "journals").iterdir()
        journal.write_bytes(edit(journal.read_bytes()))
        resumed = ToyModel()
        return evaluated(resumed, len(QUESTIONS)), resumed, notices, store


def test_a_killed_evaluation_answers_only_what_its_journal_lacks(tmp_path, nano_artifact):
    found, resumed, notices, _ = killed_and_resumed(tmp_path, nano_artifact, lambda content: content)
    assert resumed.computed == QUESTIONS[4:]
    assert notices == []
    assert [item.score for item in found.items] == [float(greedy) for _, greedy in RIGHT.values()]


def test_an_edited_answer_is_named_set_aside_and_measured_again(tmp_path, nano_artifact):
    found, resumed, [notice], store = killed_and_resumed(tmp_path, nano_artifact, lambda content: content.replace(b"true", b"false", 1))
    assert resumed.computed == [QUESTIONS[0], *QUESTIONS[4:]]
    assert "1 line is damaged" in notice
    [kept] = store.root.glob("quarantine/journals-*/lines")
    assert b'"answer": [-0.5, false]' in kept.read_bytes()
    assert found.items[0].score == 1


def test_any_single_edit_of_the_journal_of_a_killed_run_changes_nothing_in_the_result(tmp_path_factory, nano_artifact):
    expected = [(float(greedy), json.dumps([number, greedy])) for number, greedy in RIGHT.values()]

    @given(st.floats(0, 1), st.integers(0, 3), st.binary(max_size=3) | st.sampled_from([b"true", b"false", b"0", b"-", b"9"]))
    def edited(place: float, length: int, text: bytes) -> None:
        def edit(content: bytes) -> bytes:
            start = int(place * len(content))
            return content[:start] + text + content[start + length :]

        found, *_ = killed_and_resumed(tmp_path_factory.mktemp("store"), nano_artifact, edit)
        assert [(item.score, item.answer) for item in found.items] == expected

    edited()
