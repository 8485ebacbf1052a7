"""The names in a policy must exist, or they are refused with file and line."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.config.config_file import read_file
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.run import policy_check
from pytest_unicomp.run.plan import plan

ANYHOW = Evaluation(limit=10, seed=0, bundle=None, device="cpu", dtype="auto")
WAIVER = """
[[waivers]]
recipe = "{}"
benchmark = "nano-safety"
owner = "Ada"
reason = "known"
expires = 2020-12-31
evidence = "0123456789abcdef"
"""


def checked(tmp_path, text, **flags):
    """Check a policy's names in a run of two recipes on two benchmarks."""
    (tmp_path / "unicomp.toml").write_text(text)
    file, locations = read_file(tmp_path / "unicomp.toml")
    given = {"model": "nano", "recipe": ["rtn-w8a16,wanda-50"], "benchmark": ["nano-safety,bytes"], **flags}
    settings = resolve(given, file, locations=locations)
    policy_check.validate(settings, plan(settings, ANYHOW))
    return settings


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[margins]\nreasoning = 5", r"toml:2: margins.reasoning is 5; expected a number below 1, .* Did you mean 0.05, 5 points"),
        ("[margins]\nacc = 1", r"toml:2: margins.acc is 1; .* Did you mean 0.01"),
        ("[margins]\nsafety = 300", r"toml:2: margins.safety is 300; expected a number below 1, [^?]*$"),
        ("[margins.wanda-50]\nnano-safety = '2.5'", r"toml:2: margins.wanda-50.nano-safety is '2.5'; .* Did you mean 0.025"),
        ("[profiles.other.margins]\nreasoning = 5", r"toml:2: profiles.other.margins.reasoning is 5; .* Did you mean 0.05"),
        ("[profiles.other.margins.wanda-50]\nreasoning = 5", r"toml:2: profiles.other.margins.wanda-50.reasoning is 5"),
    ],
)
def test_a_margin_that_was_meant_in_points_is_refused_and_says_so(tmp_path, text, words):
    with pytest.raises(UsageProblem, match=words):
        checked(tmp_path, text)


@pytest.mark.parametrize("name", ["nats_per_token", "language_modeling", "nano-perplexity"])
def test_a_margin_in_nats_may_be_above_one(tmp_path, name):
    settings = checked(tmp_path, f"[margins]\n{name} = 1.5\n[margins.wanda-50]\n{name} = 2\n")
    assert settings.margins == {name: 1.5, "wanda-50": {name: 2}}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bytes", "bytes is an efficiency measure, and margins do not apply to those; set a limit in .limits. by benchmark: bytes.$"),
        ("decode-latency", "by benchmark: decode-latency.$"),
        ("inference_footprint", "by benchmark: .*loading-memory"),
        ("joules", "by benchmark: compress-energy.$"),
        ("kernel-int4", "kernels never fail a run, remove it"),
    ],
)
def test_a_margin_of_a_cost_is_sent_to_the_limits(tmp_path, name, words):
    for table in ("margins", "margins.wanda-50", "profiles.other.margins"):
        with pytest.raises(UsageProblem, match=f"toml:2: {table}.{name}: .*{words}"):
            checked(tmp_path, f"[{table}]\n{name} = 0.1\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[profiles.other.margins]\nsafty = 0.1", r"toml:2: profiles.other.margins.safty: no capability.* Did you mean 'safety'"),
        (
            "[profiles.other.margins.wanda-5]\nacc = 0.1",
            r"toml:1: profiles.other.margins.wanda-5: no recipe has that name. Did you mean 'wanda-50'",
        ),
        ("[profiles.other.must_pass]\nnano-safty = ['a']", r"toml:2: profiles.other.must_pass.nano-safty: .* Did you mean 'nano-safety'"),
    ],
)
def test_names_in_a_profile_that_is_not_chosen_must_exist_too(tmp_path, text, words):
    with pytest.raises(UsageProblem, match=words):
        checked(tmp_path, text)


def test_a_profile_that_is_not_chosen_may_ask_for_what_this_run_does_not_measure(tmp_path):
    settings = checked(tmp_path, "[profiles.other.margins.gptq-w4a16]\nacc = 0.1\n[profiles.other.must_pass]\nnano-reasoning = ['a']\n")
    assert (settings.margins, settings.must_pass) == ({}, {})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "nano-safty",
            r"toml:2: reply_limits.nano-safty: 'nano-safty' is not a benchmark whose replies are generated.* Did you mean 'nano-safety'",
        ),
        ("nano-knowledge", r"toml:2: reply_limits.nano-knowledge: 'nano-knowledge' is not a benchmark whose replies are generated"),
        ("language_modeling", r"toml:2: reply_limits.language_modeling: .*nor a capability of one"),
        (
            "nano-reasoning",
            r"toml:2: reply_limits.nano-reasoning is set, but this run does not measure nano-reasoning; .* or keep its limits in",
        ),
    ],
)
def test_limits_on_replies_must_be_of_something_that_generates_and_is_measured(tmp_path, name, words):
    checked(tmp_path, "[reply_limits]\ntruncated = 0.1\nreasoning = { looping = 0.1 }\nnano-safety = { looping = 0.1 }\n")
    checked(tmp_path, "[profiles.other.reply_limits]\nnano-reasoning = { looping = 0.1 }\n")
    with pytest.raises(UsageProblem, match=words):
        checked(tmp_path, f"[reply_limits]\n{name} = {{ looping = 0.1 }}\n")


def test_must_pass_items_of_a_benchmark_that_is_not_measured_are_refused(tmp_path):
    checked(tmp_path, "[must_pass]\nnano-safety = ['a']\n")
    with pytest.raises(
        UsageProblem, match=r"toml:2: must_pass.nano-reasoning is set, but this run does not measure nano-reasoning; name it"
    ):
        checked(tmp_path, "[must_pass]\nnano-reasoning = ['a']\n")
    profile = "[profiles.own]\nbenchmark = ['nano-reasoning']\n[profiles.own.must_pass]\nnano-reasoning = ['a']\n"
    checked(tmp_path, profile, profile="own", benchmark=None)
    with pytest.raises(UsageProblem, match=r"toml:4: profiles.own.must_pass.nano-reasoning is set, but this run does not measure"):
        checked(tmp_path, profile, profile="own")


@pytest.mark.parametrize(
    ("recipe", "before"),
    [
        ("gptq-w4a16", ""),
        ("mine", "[recipes]\nmine = { method = 'rtn', bits = 2 }\n"),
        ("out", "candidate = ['some/where/out']\n"),
        ("out", "[profiles.other]\ncandidate = ['some/where/out']\n"),
        ("model-7", "[profiles.other]\ncandidate = ['http://host:8000/v1#model-7']\n"),
        ("candidate:some/wanda-50", "candidate = ['some/wanda-50']\n"),
        ("wanda-50@reasoning", ""),
    ],
)
def test_a_waiver_may_be_about_every_recipe_that_there_is(tmp_path, recipe, before):
    (waiver,) = checked(tmp_path, before + WAIVER.format(recipe)).waivers
    assert waiver.recipe == recipe


def test_a_waiver_may_be_about_a_candidate_of_the_command_line(tmp_path):
    (waiver,) = checked(tmp_path, WAIVER.format("out"), candidate=["some/where/out"]).waivers
    assert waiver.recipe == "out"


@pytest.mark.parametrize("recipe", ["wanda-5", "wanda-5@reasoning", "elsewhere", "@reasoning"])
def test_a_waiver_of_a_recipe_that_there_is_not_is_refused(tmp_path, recipe):
    with pytest.raises(UsageProblem, match=rf"toml:3: waivers.0.recipe: '{recipe}' is not a recipe") as caught:
        checked(tmp_path, WAIVER.format(recipe))
    assert ("Did you mean 'wanda-50'" in str(caught.value)) == recipe.startswith("wanda")
