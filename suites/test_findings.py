"""Which of the paper's findings hold on what was run? They inform: a finding that does not hold is an expected failure, no regression."""

import pytest


def test_finding(claim):
    if claim.answer == "not tested":
        pytest.skip(f"not tested: {claim.reason}")
    if claim.answer == "undecided":
        pytest.skip(f"undecided: {claim.reason}")
    if claim.answer == "does not hold":
        pytest.xfail(f"does not hold: {claim.reason}")
    assert claim.answer == "holds"
    assert claim.interval is not None
