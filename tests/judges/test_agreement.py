"""A score carries how often its judge agrees with humans, if that was measured."""

from pytest_unicomp.judges import agreement


def test_a_judge_that_nobody_measured_has_no_agreement():
    assert agreement.known("server:http://localhost:1/v1", "refusal") is None
    assert agreement.known("classifier:some/model", "ETHICS") == agreement.known("rules", "ETHICS")
    assert agreement.known("rules", "refusal").n == 900
