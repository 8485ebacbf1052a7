"""The paper's claims about a run."""

from __future__ import annotations

import pytest

from pytest_unicomp.report.scores import findings
from pytest_unicomp.report.scores.quality import Score


def score(value, spread=1.0):
    return Score(value, (value - spread, value + spread), "toy", tuple(value + spread * (place / 50 - 1) for place in range(101)))


def test_a_claim_holds_where_its_whole_interval_does():
    own = {"wanda-50": {"S_K": score(90), "S_R": score(40, 3)}, "gptq-w4a16": {"S_K": score(99), "S_R": score(99.5, 3)}}
    told = {(found.claim, found.about): found for found in findings(own, {}, {}, confidence=0.9)}
    assert told["knowledge is kept better than reasoning", "wanda-50"].answer == "holds"
    assert told["knowledge is kept better than reasoning", "gptq-w4a16"].answer == "undecided"
    assert told["performance is kept better than reliability", "wanda-50"].answer == "not tested"


@pytest.mark.parametrize(("poor", "answer"), [(96, "holds"), (88, "does not hold"), (92.5, "undecided")])
def test_poor_languages_may_lose_no_more_than_the_slack(poor, answer):
    told = {
        found.claim: found for found in findings({"wanda-50": {"S_L": score(poor, 1.5), "S_H": score(95.5, 0.5)}}, {}, {}, confidence=0.9)
    }
    assert told["low-resource languages are kept as well as high-resource ones, within 3 points"].answer == answer


def test_claims_about_two_recipes_compare_them():
    own = {"awq-w4a16": {"S_Mul": score(90)}, "gptq-w4a16": {"S_Mul": score(96, 2)}}
    methods = {"awq-w4a16": "awq", "gptq-w4a16": "gptq"}
    [found] = [found for found in findings(own, {}, methods, confidence=0.9) if "AWQ" in found.claim]
    assert (found.answer, found.about) == ("does not hold", "awq-w4a16 against gptq-w4a16")


def test_a_relation_needs_several_recipes():
    own = {f"r{number}": {"S_K": score(50 + 9 * number), "S_SAFE": score(60 + 5 * number)} for number in range(6)}
    assert findings(own, {}, {}, confidence=0.9)[-1].answer == "holds"
    assert findings(dict(list(own.items())[:3]), {}, {}, confidence=0.9)[-1].answer == "not tested"
