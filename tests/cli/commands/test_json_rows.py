"""Files of JSON objects as they arrive: cut, doubled, with half characters, as one list, or as any bytes at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.cli.commands.json_rows import printable, read_rows

EVERY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)


def file(folder: Path, content: bytes | str) -> Path:
    path = folder / "b.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def refused(path: Path) -> str:
    with pytest.raises(UsageProblem) as found:
        read_rows(path)
    message = str(found.value)
    assert len(message.splitlines()) == 1
    assert message.isprintable()
    return message


@EVERY
@given(
    content=st.binary(max_size=200)
    | st.text(alphabet='[]{}":,\\u\ud83did01.eN \n\t', max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_rows_or_one_line_of_refusal(tmp_path, content):
    path = file(tmp_path, content)
    try:
        rows = read_rows(path)
    except UsageProblem:
        refused(path)
    else:
        assert rows
        json.dumps([row.fields for row in rows], ensure_ascii=False).encode("utf-8")


@EVERY
@given(
    values=st.lists(st.dictionaries(st.text(), st.integers() | st.text() | st.booleans() | st.none()), min_size=1, max_size=4),
    as_list=st.booleans(),
    raw=st.booleans(),
)
def test_whatever_is_written_is_read_again(tmp_path, values, as_list, raw):
    values = [{**value, "id": place} for place, value in enumerate(values)]
    dump = (
        json.dumps(values, ensure_ascii=not raw, indent=4)
        if as_list
        else "\n".join(json.dumps(value, ensure_ascii=not raw) for value in values)
    )
    assert [row.fields for row in read_rows(file(tmp_path, dump))] == values


def test_half_a_character_is_written_out_and_keeps_texts_apart(tmp_path):
    rows = read_rows(
        file(tmp_path, '{"id": "half \\ud83d", "answer": [{"\\uDC00": "x"}]}\n{"id": "half \\ud83e", "score": "\\ud83d\\ude42"}\n')
    )
    assert [row.fields["id"] for row in rows] == ["half \\ud83d", "half \\ud83e"]
    assert rows[0].fields["answer"] == [{"\\udc00": "x"}]
    assert rows[1].fields["score"] == "🙂"


def test_a_file_that_was_cut_is_named_with_its_line(tmp_path):
    whole = '{"id": 1, "score": 1}\n{"id": "Zoë"}\n'.encode()
    inside = whole.index("ë".encode()) + 1
    assert "b.jsonl cannot be read as UTF-8 in line 2: byte 0xc3, unexpected end of data; it ends within a character" in refused(
        file(tmp_path, whole[:inside])
    )
    assert "b.jsonl:2 is not JSON" in refused(file(tmp_path, whole[: inside - 3]))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"id": 1}\n{"id": "\xed\xa0\xbd"}', "in line 2: byte 0xed, invalid continuation byte"),
        ('{"id": 1}'.encode("utf-16"), "in line 1: byte 0xff"),
        (b'{"id": 1, "score": 0, "score": 1}', "b.jsonl:1 gives the key 'score' more than once"),
        (b'{"id": 1}\n{"id": 2, "doc": {"a": 1, "a": 1}}', "b.jsonl:2 gives the key 'a' more than once"),
        (b'[{"id": 1}, 7]', "entry 2 is 7; expected an object"),
        (b'[{"id": 1}', "is not JSON"),
        (b"[]", "holds no items"),
        (b'{"results": 1}', 'b.jsonl:1 is {"results": 1}; expected an object such as'),
        (b'{\n "results": {},\n "id": 3\n}', "is one JSON object over several lines; expected one object per line"),
        (b'{"id": 1}\n' + b"[" * 100_000, "b.jsonl:2 is not JSON"),
        (b"[" * 100_000, "b.jsonl is not JSON"),
        (b'{"id": 1' + b"0" * 5000 + b"}", "b.jsonl:1 is not JSON"),
        ("{\u2028\x1b[31m".encode(), "b.jsonl:1 is not JSON"),
        ('"\u2028\x1b[31m"'.encode(), "is not JSON"),
        (b'"\\u2028"', 'b.jsonl:1 is "\\u2028"'),
    ],
)
def test_what_is_no_list_of_objects_is_named_in_one_line(tmp_path, content, words):
    assert words in refused(file(tmp_path, content))


def test_a_folder_and_a_missing_file_cannot_be_read(tmp_path):
    assert "cannot be read" in refused(tmp_path)
    assert "cannot be read" in refused(tmp_path / "none.jsonl")


@given(st.text(alphabet=st.characters(codec=None)) | st.text(alphabet="\ud800\n\x1b\u2028é"))
def test_what_is_printed_is_printable_and_short(text):
    assert printable(text).isprintable()
    printable(text).encode("utf-8")
    assert printable("plain é") == "plain é"
