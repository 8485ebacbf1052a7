"""The resume log returns what was put into it, also after a kill, and its format never changes silently."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.engine.resume_log import ResumeLog, ordinals

ARGUMENTS = st.tuples(st.text(), st.dictionaries(st.text(), st.integers() | st.text()))


def put(path, *entries):
    log = ResumeLog(path)
    for entry in entries:
        log.put(*entry)
    log.close(keep=True)


def test_answers_are_found_by_kind_and_arguments(tmp_path):
    path = tmp_path / "folder" / "log.jsonl"
    put(path, ("loglikelihood", ("a", "b"), (-1.5, True)), ("generate_until", ("a", {"until": []}), "text"))
    log = ResumeLog(path)
    assert len(log) == 2
    assert log.get("loglikelihood", ("a", "b")) == [-1.5, True]
    assert log.get("generate_until", ("a", {"until": []})) == "text"
    assert log.get("generate_until", ("a", "b")) is None
    assert log.get("loglikelihood", ("a", "c")) is None


@given(st.lists(st.tuples(ARGUMENTS, st.text() | st.floats(allow_nan=False)), max_size=5), st.integers(0, 300))
def test_a_file_cut_at_any_byte_loses_at_most_its_last_answer(tmp_path_factory, entries, cut):
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    put(path, *(("kind", arguments, answer) for arguments, answer in entries))
    content = path.read_bytes() if entries else b""
    path.write_bytes(content[:cut])
    put(path, ("kind", "new", "answer"))
    log = ResumeLog(path)
    assert log.get("kind", "new") == "answer"
    last = {repr(arguments): (arguments, answer) for arguments, answer in entries}
    if cut >= len(content):
        assert all(log.get("kind", arguments) == answer for arguments, answer in last.values())


@pytest.mark.parametrize(
    "line", ["[]", "null", "7", "{", '{"key": 1}', '{"answer": 1}', '{"key": "k", "answer": 1}', "\x00\xff", "[" * 9999]
)
def test_lines_that_are_no_entries_are_damaged_and_the_others_are_found(tmp_path, line):
    path = tmp_path / "log.jsonl"
    put(path, ("kind", "one", 1))
    path.write_text(line + "\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    log = ResumeLog(path)
    assert (len(log), log.get("kind", "one"), log.damaged) == (1, 1, [line.encode()])


def test_a_last_line_that_a_kill_cut_is_no_damage_and_is_gone_after_the_next_answer(tmp_path):
    path = tmp_path / "log.jsonl"
    put(path, ("kind", "one", 1), ("kind", "two", 2))
    path.write_bytes(path.read_bytes()[:-9])
    assert ResumeLog(path).damaged == []
    put(path, ("kind", "three", 3))
    log = ResumeLog(path)
    assert (log.damaged, [log.get("kind", name) for name in ("one", "two", "three")]) == ([], [1, None, 3])


def test_damaged_lines_are_gone_from_the_file_after_the_next_answer(tmp_path):
    path = tmp_path / "log.jsonl"
    put(path, ("kind", "one", "a"), ("kind", "two", "b"))
    path.write_text(path.read_text().replace('"a"', '"c"'))
    put(path, ("kind", "one", "a"))
    log = ResumeLog(path)
    assert (log.damaged, log.get("kind", "one"), log.get("kind", "two")) == ([], "a", "b")


def test_lines_of_another_measurement_are_damaged(tmp_path):
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    put(first, ("kind", "one", 1))
    second.write_bytes(first.read_bytes())
    assert (len(ResumeLog(second)), len(ResumeLog(second).damaged)) == (0, 1)


ANSWERS = (
    st.text() | st.floats() | st.tuples(st.floats(allow_nan=False), st.booleans()) | st.dictionaries(st.integers() | st.text(), st.floats())
)


@given(st.lists(ANSWERS, min_size=1, max_size=4))
def test_every_answer_that_was_put_is_whole_when_it_is_read(tmp_path_factory, answers):
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    put(path, *(("kind", place, answer) for place, answer in enumerate(answers)))
    log = ResumeLog(path)
    assert (len(log), log.damaged) == (len(answers), [])


@given(st.data())
def test_after_any_single_edit_an_answer_is_the_one_that_was_put_or_none(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    answers = {"one": [-1.5, True], "two": "text", "three": [-0.25, False]}
    put(path, *(("kind", name, answer) for name, answer in answers.items()))
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 3)))
    path.write_bytes(content[:start] + data.draw(st.binary(max_size=3) | st.sampled_from([b"0", b"1", b"true", b"9"])) + content[end:])
    log = ResumeLog(path)
    assert all(log.get("kind", name) in (answer, None) for name, answer in answers.items())
    assert len(log) + len(log.damaged) >= 1


def test_the_format_is_that_of_logs_already_written(tmp_path):
    """A log of this version resumes in later ones."""
    path = tmp_path / "log.jsonl"
    put(path, ("loglikelihood", ("a", "b"), (-1.5, True)))
    entry = json.loads(path.read_text(encoding="utf-8"))
    seal = "7086ca18e3fe7a8af679e0fc29016b0cf55344da511f494cc9221b9fd7583c83"
    assert entry == {"key": "ed845e7d4aafe4a4966abe45481547fb", "answer": [-1.5, True], "sha256": seal}


def test_a_finished_log_is_deleted(tmp_path):
    path = tmp_path / "log.jsonl"
    log = ResumeLog(path)
    log.put("kind", "one", 1)
    log.close(keep=False)
    assert not path.exists()
    ResumeLog(path).close(keep=False)


def test_a_language_model_has_the_log_within_the_block_alone(tmp_path):
    class Model:
        resume_log = None

    log, lm = ResumeLog(tmp_path / "log.jsonl"), Model()
    with suppress(KeyError), log.attached_to(lm):
        assert lm.resume_log is log
        raise KeyError
    assert lm.resume_log is None


def test_equal_requests_are_numbered_in_order():
    assert ordinals(["a", "b", "a", "a", "b"]) == [0, 0, 1, 2, 1]
    assert ordinals([]) == []
