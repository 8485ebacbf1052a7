"""A check that was planned and is gone is missed, whether its benchmark is the registry's, a file of questions or a task of lm-eval."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.records import Report
from pytest_unicomp.cli.verify.planned import plan_answer

NAMES = ("people", "lm-eval:arc_easy,metric=acc_norm")


def planned(reported, name, **policy):
    """Return the report as if its benchmark of nano had another name."""
    report = Report.model_validate(reported)
    checks = [check.model_copy(update={"benchmark": name}) if check.benchmark == "nano-knowledge" else check for check in report.checks]
    benchmarks = [name if one == "nano-knowledge" else one for one in report.policy["benchmarks"]]
    return report.model_copy(update={"checks": checks, "policy": {**report.policy, "benchmarks": benchmarks, **policy}})


def without(report, question):
    return report.model_copy(update={"checks": [check for check in report.checks if check.question != question]})


@pytest.mark.parametrize("name", NAMES)
def test_a_report_on_a_benchmark_that_is_not_in_the_registry_has_all_its_checks(reported, name):
    assert plan_answer(planned(reported, name)).state == "as_reported"


@pytest.mark.parametrize("name", NAMES)
def test_a_removed_check_of_such_a_benchmark_is_missing_and_named(reported, name):
    answer = plan_answer(without(planned(reported, name), "retention"))
    assert answer.state == "missing"
    assert f"rtn-w8a16 on {name} (retention)" in answer.note


@pytest.mark.parametrize("name", NAMES)
def test_a_must_pass_check_of_such_a_benchmark_is_planned_if_the_policy_has_one(reported, name):
    answer = plan_answer(planned(reported, name, must_pass={name: ["1"]}))
    assert answer.state == "missing"
    assert f"rtn-w8a16 on {name} (must-pass)" in answer.note


@pytest.mark.parametrize(
    ("limits", "planned"),
    [
        ({"looping": 0.1}, True),
        ({"safety": {"looping": 0.1}}, True),
        ({"nano-safety": {"looping": 0.1}}, True),
        ({"nano-knowledge": {"looping": 0.1}}, False),
        ({"reasoning": {"looping": 0.1}}, False),
    ],
)
def test_a_check_of_limited_replies_is_planned_where_text_is_generated(reported, limits, planned):
    report = Report.model_validate(reported)
    policy = {**report.policy, "benchmarks": ["nano-safety"], "reply_limits": limits}
    answer = plan_answer(report.model_copy(update={"policy": policy, "checks": []}))
    assert ("rtn-w8a16 on nano-safety (reply-limits)" in answer.note) is planned
    assert "rtn-w8a16 on nano-safety (retention)" in answer.note


def test_a_cost_of_a_package_that_is_not_installed_is_not_asked_for_scores(reported):
    report = Report.model_validate(reported)
    checks = [check.model_copy(update={"benchmark": "far-bytes"}) if check.benchmark == "bytes" else check for check in report.checks]
    names = ["far-bytes" if name == "bytes" else name for name in report.policy["benchmarks"]]
    answer = plan_answer(report.model_copy(update={"checks": checks, "policy": {**report.policy, "benchmarks": names}}))
    assert answer.state == "as_reported"


def test_names_that_are_no_texts_end_in_an_answer(reported):
    report = Report.model_validate(reported)
    odd = report.model_copy(update={"policy": {**report.policy, "benchmarks": [*report.policy["benchmarks"], ["x"]]}})
    assert plan_answer(odd).state == "missing"
