"""What is hidden in a long text can be found in it, lengths are counted in the model's tokens, and every run asks the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.benchmarks.performance.ruler import hidden
from pytest_unicomp.benchmarks.performance.ruler.benchmark import BENCHMARKS, LENGTHS, found
from pytest_unicomp.benchmarks.performance.ruler.filling import units_within
from pytest_unicomp.engine import Engine
from tests.engine.toy_engine import canned, evaluation, tiny_engine

HIDE = (hidden.single, hidden.many, hidden.chain)


@given(st.integers(0, 300), st.integers(1, 60), st.integers(300, 200_000), st.integers(0, 3))
def test_filling_never_exceeds_the_budget_and_leaves_little_of_it(base: int, each: int, budget: int, uneven: int) -> None:
    def tokens(units: int) -> int:
        return base + each * units + units % (uneven + 1)

    units = units_within(tokens, budget)
    assert units >= 0
    assert tokens(units) <= budget
    assert tokens(units) >= budget * 0.9 - 2 * each or tokens(units + 2) > budget


def test_a_prompt_that_is_too_long_without_filling_is_refused() -> None:
    with pytest.raises(InfrastructureError, match="without filling has 101 tokens; expected at most 100"):
        units_within(lambda units: 101 + units, 100)


@pytest.mark.parametrize("hide", HIDE)
@given(seed=st.integers(), units=st.integers(0, 200))
def test_the_answers_stand_in_the_text_and_not_in_the_question(hide: Callable[[Random, int], hidden.Hidden], seed: int, units: int) -> None:
    one = hide(Random(seed), units)
    assert one == hide(Random(seed), units)
    assert all(answer in one.text for answer in one.answers)
    assert not any(answer in one.question + one.beginning for answer in one.answers)
    assert found(one.answers, one.text.lower()) == 1.0


@given(seed=st.integers(), units=st.integers(0, 2000))
def test_every_key_among_many_numbers_is_its_own(seed: int, units: int) -> None:
    one = hidden.many(Random(seed), units)
    keys = re.findall(r"^The number of the (.+) is \d+\.$", one.text, re.MULTILINE)
    assert len(keys) == len(set(keys)) == units + 1


@given(seed=st.integers(), units=st.integers(0, 100))
def test_a_chain_leads_from_the_value_to_every_variable_in_the_order_of_the_text(seed: int, units: int) -> None:
    one = hidden.chain(Random(seed), units)
    values: dict[str, str] = {}
    for name, of, value in re.findall(r"^VAR (\w+) = (VAR )?(\w+)\.$", one.text, re.MULTILINE):
        values[name] = values[value] if of else value
    assert tuple(values) == one.answers
    assert set(values.values()) == set(re.findall(r"\d+", one.question.partition("?")[0]))


def test_needles_lie_at_every_depth() -> None:
    depths = [hidden.single(Random(seed), 99).text.split("\n").index(line) for seed in range(200) for line in _needles(seed)]
    counts = [sum(1 + 25 * quarter <= depth < 26 + 25 * quarter for depth in depths) for quarter in range(4)]
    assert min(counts) > 25


def _needles(seed: int) -> list[str]:
    return [line for line in hidden.single(Random(seed), 99).text.split("\n") if line.startswith("The number of")]


def reads(prompt: str) -> str:
    """Answer as a model does that finds everything."""
    if asked := re.search(r"What is the number of the (.+)\?", prompt):
        return next(iter(re.findall(rf"The number of the {asked[1]} is (\d+)\.", prompt)))
    return ", ".join(re.findall(r"VAR (\w+) =", prompt)).lower()


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_model_that_reads_finds_all_and_one_that_does_not_finds_nothing(name: str, tiny: Engine) -> None:
    lengths: list[int] = []

    def reader(prompt: str) -> str:
        lengths.append(len(tiny.tokenizer(prompt)["input_ids"]))
        return reads(prompt)

    scored = BENCHMARKS[name].score(canned(tiny, reader), evaluation(limit=12))
    assert [item.score for item in scored.items] == [1.0] * 12
    assert {item.slice for item in scored.items} == ({"4096"} if name.endswith("_4k") else {"4096", "8192"})
    for length, item in zip(lengths, scored.items, strict=True):
        budget = int(item.slice or "") - BENCHMARKS[name].tokens
        assert 0.97 * budget < length <= budget
    lost = BENCHMARKS[name].score(canned(tiny, lambda _: "I do not know."), evaluation(limit=4))
    assert [item.score for item in lost.items] == [0.0] * 4


def test_a_reply_that_names_some_of_the_variables_has_their_share() -> None:
    assert found(("ABCDE", "FGHIJ", "KLMNO", "PQRST", "UVWXY"), "abcde and KLMNO") == 0.4


def test_items_are_the_same_whatever_the_seed_of_the_run(tiny: Engine) -> None:
    entry, engine = BENCHMARKS["ruler_multikey_4k"], canned(tiny, reads)
    first, second = (
        {item.id: item.prompt_digest for item in entry.score(engine, evaluation(limit=60, seed=seed)).items} for seed in (0, 1)
    )
    shared = first.keys() & second.keys()
    assert first.keys() != second.keys()
    assert shared
    assert all(first[name] == second[name] for name in shared)


def test_longer_replies_leave_room_for_shorter_texts_only(tiny: Engine) -> None:
    longer = replace(evaluation(limit=12), max_gen_toks=("1000",))
    scored = BENCHMARKS["ruler_single"].score(canned(tiny, reads), longer)
    assert {item.slice for item in scored.items} == {"4096"}


def test_a_context_that_holds_none_of_the_lengths_ends_in_one_line(tmp_path: Path) -> None:
    short = tiny_engine(tmp_path / "short", max_position_embeddings=1024)
    with pytest.raises(InfrastructureError, match=r"have 4,096 tokens or more.* context of 1,024 holds none; .*=48\.$"):
        BENCHMARKS["ruler_single"].score(short, evaluation())


def test_a_changed_generator_changes_the_identity() -> None:
    one = BENCHMARKS["ruler_single"]
    assert one.identity(evaluation()) == BENCHMARKS["ruler_single"].identity(evaluation(seed=5))
    assert one.identity(evaluation())["dataset"] != replace(one, hide=hidden.many).identity(evaluation())["dataset"]
    assert one.identity(evaluation())["lengths"] == list(LENGTHS)
