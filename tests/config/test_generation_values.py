"""Arguments of the chat template and token limits are read once, in one spelling, or refused in one line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config.generation_values import as_arguments, limit_of, limited_benchmarks, limits, template_arguments

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), VALUES, max_size=4))
def test_a_table_and_its_flags_mean_the_same(table):
    read = template_arguments("x", table)
    assert as_arguments(read) == table
    if table:
        assert template_arguments("x", [f"{key}={json.dumps(value)}" for key, value in reversed(table.items())]) == read


def test_what_is_no_json_is_a_text():
    assert as_arguments(template_arguments("x", ["reasoning_effort=high", "enable_thinking=true", "budget=NaN"])) == {
        "reasoning_effort": "high",
        "enable_thinking": True,
        "budget": "NaN",
    }


@pytest.mark.parametrize("given", ["enable_thinking", "=true", "two words=1", "", 3, ["a=1", "a=2"]])
def test_an_argument_without_a_name_or_value_or_with_two_is_refused(given):
    with pytest.raises(UsageProblem):
        template_arguments("--unicomp-template-arg", given)


def test_a_benchmark_has_its_own_limit_else_that_of_the_run():
    given = limits("x", ["4096", "gsm8k=model, ifeval=9"])
    assert [limit_of(given, name) for name in ("gsm8k", "ifeval", "other")] == [("model",), ("9",), ("4096",)]
    assert limit_of(limits("x", "gsm8k=5"), "other") == ()
    assert limited_benchmarks(given) == ["gsm8k", "ifeval"]
    assert limits("x", 512) == ("512",)


@pytest.mark.parametrize("given", ["0", "-1", "many", "gsm8k=", "=5", "gsm8k=0", "1.5", True, "9" * 30, ""])
def test_a_limit_that_is_no_number_of_tokens_is_refused(given):
    with pytest.raises(UsageProblem, match="expected a number of tokens"):
        limits("--unicomp-max-gen-toks", given)
