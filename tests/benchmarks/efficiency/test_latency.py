"""A round reads and writes what it states, every time the same; a context that is too short is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.benchmarks.efficiency import latency
from pytest_unicomp.engine import Engine
from tests.engine.toy_engine import tiny_engine


@pytest.mark.parametrize(("name", "lengths"), [("prefill-latency", [256]), ("decode-latency", [1] * 32)])
def test_a_round_reads_or_writes_exactly_what_is_stated_every_time(tiny: Engine, name: str, lengths: list[int]) -> None:
    round_ = latency.BENCHMARKS[name].prepare(tiny)
    seen: list[tuple[int, int]] = []
    handle = tiny.model.register_forward_pre_hook(
        lambda module, arguments, keywords: seen.append(tuple(arguments[0].shape)), with_kwargs=True
    )
    try:
        round_()
        round_()
    finally:
        handle.remove()
    assert seen == [(4, length) for length in lengths] * 2


def test_a_decode_round_starts_from_the_same_cache_every_time(tiny: Engine) -> None:
    round_ = latency.BENCHMARKS["decode-latency"].prepare(tiny)
    lengths: list[int] = []
    handle = tiny.model.register_forward_pre_hook(
        lambda module, arguments, keywords: lengths.append(keywords["past_key_values"].get_seq_length()), with_kwargs=True
    )
    try:
        round_()
        round_()
    finally:
        handle.remove()
    assert lengths == list(range(64, 96)) * 2


@pytest.mark.parametrize(("name", "shape"), [("prefill-latency", (4, 256)), ("decode-latency", (4, 1))])
def test_one_pass_is_a_prompt_or_one_written_token_after_it(tiny: Engine, name: str, shape: tuple[int, int]) -> None:
    pass_ = latency.BENCHMARKS[name].one_pass(tiny)
    seen: list[tuple[int, ...]] = []
    handle = tiny.model.register_forward_pre_hook(lambda module, arguments: seen.append(tuple(arguments[0].shape)))
    try:
        pass_()
        pass_()
    finally:
        handle.remove()
    assert seen == [shape] * 2


def test_a_cpu_has_no_launching_share(tiny: Engine) -> None:
    assert latency.BENCHMARKS["decode-latency"].launching_share(tiny) is None


def test_prompts_fit_a_short_context_and_one_too_short_is_refused(tmp_path: Path) -> None:
    short = tiny_engine(tmp_path / "short", max_position_embeddings=40)
    latency.BENCHMARKS["decode-latency"].prepare(short)()
    hopeless = tiny_engine(tmp_path / "hopeless", max_position_embeddings=32)
    with pytest.raises(UnicompError, match="context of 32 tokens holds no prompt beside 32"):
        latency.BENCHMARKS["decode-latency"].prepare(hopeless)
