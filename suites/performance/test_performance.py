"""Knowledge, languages, reasoning, instruction following, language modelling: is what the reference could do kept?"""

import pytest


@pytest.mark.unicomp(question="retention", dimension="performance")
def test_retention(retention, unicomp):
    retention.assert_passed(binding=retention.verdict == "fail" and unicomp.confirmed(retention))


@pytest.mark.unicomp(question="drift", dimension="performance")
def test_drift(drift):
    drift.assert_passed()
