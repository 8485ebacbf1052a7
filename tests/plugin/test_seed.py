"""`--unicomp-seed`: which items a limit leaves, the same again for the same seed."""

import pytest


def evidence(report):
    (check,) = [check for check in report["checks"] if check["question"] == "retention"]
    return check["evidence"]


def test_another_seed_asks_other_items_and_the_same_seed_the_same(gate):
    first, second, again = (gate.report(f"--unicomp-seed={seed}") for seed in (0, 5, 5))
    assert (first["policy"]["seed"], second["policy"]["seed"]) == (0, 5)
    assert evidence(first) != evidence(second) == evidence(again)


@pytest.mark.parametrize("value", ["-1", "1.5", "many"])
def test_a_seed_that_is_none_is_refused(gate, value):
    result = gate(f"--unicomp-seed={value}")
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*--unicomp-seed is '{value}'; expected a whole number of at least 0*"])
