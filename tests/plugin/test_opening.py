"""The first lines of a run, before anything is measured."""

from __future__ import annotations

from pytest_unicomp.plugin.opening import folded, forecast_lines, in_words
from pytest_unicomp.run.forecast import CapabilityForecast, Forecast


def test_a_run_says_first_what_it_measures_where_how_long_and_what_it_cannot_decide(gate):
    result = gate("--unicomp-limit=60", "--collect-only")
    result.stdout.fnmatch_lines(
        [
            "unicomp: nano against rtn-w8a16, on 1 benchmark",
            "unicomp: on cpu (*cores): about * in all if the cores are idle (about * of evaluation, 1 recipe to make); *",
            "unicomp: knowledge: too few items to rule out a loss of 3 points: 60 of about 1??; a model without any loss passes with probability 0.??",
        ]
    )


def test_a_first_gate_of_nano_names_what_it_leaves_out_and_why(gate):
    result = gate("--unicomp-limit=1000", "--collect-only", benchmark=None)
    lines = [line for line in result.outlines if line.startswith("unicomp: ")]
    assert any("left out: nano-multilingual, nano-truthfulness, nano-fairness, nano-robustness" in line for line in lines)
    assert any("(too few items to rule out a loss of 3 points" in line for line in lines)
    assert any("enough items to rule out a loss of 3 points on knowledge, reasoning" in line for line in lines)


def one(**changes):
    return CapabilityForecast(
        **{
            "capability": "fairness",
            "items": 500,
            "needed": 577,
            "margin": 0.03,
            "detectable": 0.034,
            "passes": 0.3,
            "rate": True,
            **changes,
        }
    )


def test_words_for_what_suffices_what_does_not_and_what_is_unknown():
    found = Forecast(
        (one(), one(capability="knowledge", needed=109, detectable=0.021), one(capability="ethics", items=None, needed=None, passes=None)),
        None,
    )
    assert forecast_lines(found) == [
        "enough items to rule out a loss of 3 points on knowledge",
        "nothing is known yet about ethics: the number of items or of flips",
        "fairness: too few items to rule out a loss of 3 points: 500 of about 577; a model without any loss passes with probability 0.30",
    ]
    assert in_words(found) == [
        "fairness: cannot decide 3 points: 500 items of about 577; a model without any loss passes with probability 0.30",
        "knowledge: sees losses of 2.1 points; 500 items, 109 would decide 3 points",
        "ethics: unknown; its number of items is not known yet",
    ]
    (line,) = in_words(Forecast((one(needed=600, passes=0.7),), None))
    assert line.startswith("fairness: may not decide 3 points: 500 items of about 600; ")


def test_lines_are_folded_to_the_terminal_and_left_alone_without_one():
    long = "unicomp: " + "word " * 40
    assert max(map(len, folded([long], 80))) <= 80
    assert folded([long], None) == [long]
