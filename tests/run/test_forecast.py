"""What a run can decide, told before it starts: from the number of items and stored evidence alone."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.methods import configured
from pytest_unicomp.run.forecast import forecast
from pytest_unicomp.run.preflight import preflight


def foreseen(tmp_path, **flags):
    return forecast(preflight(resolve({"model": "nano", "cache": str(tmp_path), **flags})))


def test_every_capability_of_a_first_gate_of_nano_can_be_decided(tmp_path):
    found = foreseen(tmp_path)
    assert len(found.capabilities) == 5
    # Clusters leave instruction following a little below 80 %, which the opening says; an unchanged model still passes more often than not.
    assert [one.capability for one in found.capabilities if not one.decidable] == ["instruction_following"]
    assert all(one.passes > 0.6 for one in found.capabilities)
    assert 10 < found.evaluation.seconds < 300


def test_what_the_first_gate_leaves_out_has_too_few_items_and_says_how_many_would_do(tmp_path):
    left_out = [name for name, entry in benchmarks().items() if entry.only_model == "nano" and "nano-default" not in entry.sets]
    found = foreseen(tmp_path, benchmark=left_out)
    assert [(one.capability, one.decidable) for one in found.capabilities] == [
        ("multilingual", False),
        ("truthfulness", False),
        ("fairness", False),
        ("robustness", False),
        ("privacy", False),
        ("ethics", False),
    ]
    fairness = found.capabilities[2]
    assert fairness.items == 500
    assert 1000 < fairness.needed < 3000
    assert sum(one.passes < 0.5 for one in found.capabilities) == 5


def test_a_wider_margin_or_more_items_decide_what_fewer_cannot(tmp_path):
    narrow, wide = (foreseen(tmp_path, benchmark=["nano-privacy"], margin=margin).capabilities[0] for margin in ("0.03", "0.05"))
    assert (narrow.decidable, wide.decidable) == (False, True)
    few, many = (foreseen(tmp_path, benchmark=["nano-knowledge"], limit=limit).capabilities[0] for limit in ("50", "1000"))
    assert (few.decidable, many.decidable) == (False, True)


def test_no_recipe_that_gates_by_default_prunes():
    chosen = resolve({"model": "nano"}).recipe
    assert {configured.table({})[name].family for name in chosen} == {"quantization"}


@pytest.mark.parametrize("recipe", ["rtn-w8a16", "gptq-w4a16"])
def test_the_recipe_that_needs_most_items_is_the_one_that_counts(tmp_path, recipe):
    both = foreseen(tmp_path, benchmark=["nano-truthfulness"]).capabilities[0]
    alone = foreseen(tmp_path, benchmark=["nano-truthfulness"], recipe=[recipe]).capabilities[0]
    assert both.needed >= alone.needed
