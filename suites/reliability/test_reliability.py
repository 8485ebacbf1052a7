"""Truthfulness, safety, fairness, robustness, privacy, ethics: does it still behave?"""

import pytest


@pytest.mark.unicomp(question="retention", dimension="reliability")
def test_retention(retention, unicomp):
    retention.assert_passed(binding=retention.verdict == "fail" and unicomp.confirmed(retention))


@pytest.mark.unicomp(question="drift", dimension="reliability")
def test_drift(drift):
    drift.assert_passed()
