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


@pytest.mark.parametrize("line", ["", "[]", "null", "7", "{", '{"key": 1}', '{"answer": 1}', "\x00\xff"])
def test_lines_that_are_no_entries_are_ignored(tmp_path, line):
    path = tmp_path / "log.jsonl"
    put(path, ("kind", "one", 1))
    path.write_text(line + "\n" + path.read_text(encoding="utf-8") + line, encoding="utf-8")
    assert (len(ResumeLog(path)), ResumeLog(path).get("kind", "one")) == (1, 1)


def test_the_format_is_that_of_logs_already_written(tmp_path):
    """A log of an older version resumes."""
    path = tmp_path / "log.jsonl"
    put(path, ("loglikelihood", ("a", "b"), (-1.5, True)))
    assert json.loads(path.read_text(encoding="utf-8")) == {"key": "ed845e7d4aafe4a4966abe45481547fb", "answer": [-1.5, True]}


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
