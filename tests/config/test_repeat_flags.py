"""A recorded policy, written as flags again."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.config.repeat_flags import repeat_flags
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.config.settings import Settings, recorded


def test_a_repeat_command_writes_the_policy_always_and_what_was_changed_or_a_profile_sets():
    policy = recorded(resolve({"profile": "paper", "seed": "3", "serve": "vllm serve {model}", "sequential": True}))
    assert list(repeat_flags(policy)) == [
        "--unicomp-profile=paper",
        "--unicomp-limit=all",
        "--unicomp-seed=3",
        "--unicomp-calibration=generic",
        "--unicomp-margin=0.03",
        "--unicomp-benchmark-margin=0.05",
        "--unicomp-drift-margin=0.02",
        "--unicomp-alpha=0.05",
        "--unicomp-inconclusive=fail",
        "--unicomp-reference=run",
        "--unicomp-sequential",
        "--unicomp-temperature=paper",
        "--unicomp-backend=server",
        "--unicomp-serve=vllm serve {model}",
    ]


def test_a_repeat_command_writes_every_option_if_the_profile_is_not_a_built_in_one():
    words = list(repeat_flags({**recorded(Settings()), "profile": "mine"}))
    assert "--unicomp-scoring=corrected" in words
    assert not any(word.startswith("--unicomp-calibration-samples") for word in words)


def test_options_that_an_older_report_lacks_are_left_out():
    assert list(repeat_flags({"profile": "smoke", "seed": 1})) == ["--unicomp-profile=smoke", "--unicomp-seed=1"]


@given(
    profile=st.sampled_from(["smoke", "standard", "release", "paper"]),
    flags=st.fixed_dictionaries(
        {},
        optional={
            "limit": st.sampled_from(["all", "7"]),
            "seed": st.integers(0, 9).map(str),
            "margin": st.sampled_from(["0.01", "5%", "1.2x errors"]),
            "alpha": st.sampled_from(["0.01", "0.1"]),
            "inconclusive": st.sampled_from(["fail", "warn"]),
            "calibration": st.sampled_from(["generic", "generic=.5,reasoning=.5"]),
            "calibration_samples": st.integers(1, 9).map(str),
            "sequential": st.just(True),
            "scoring": st.sampled_from(["paper", "corrected"]),
            "temperature": st.sampled_from(["paper", "0", "0.7"]),
            "response_length": st.integers(1, 999).map(str),
        },
    ),
)
def test_a_run_with_the_repeated_flags_has_the_same_policy(profile, flags):
    policy = recorded(resolve({"profile": profile, **flags}))
    again = {}
    for word in repeat_flags(policy):
        name, equals, value = word.removeprefix("--unicomp-").partition("=")
        again[name.replace("-", "_")] = value if equals else True
    assert recorded(resolve(again)) == policy
