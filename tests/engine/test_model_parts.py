"""Parameters by decoder block and by groups of blocks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.engine.model_parts import OUTSIDE, grouped, members, outside


def names(blocks):
    return ["model.embed.weight", *(f"model.layers.{block}.{part}" for block in range(blocks) for part in ("q", "mlp")), "lm_head.weight"]


def test_block_1_is_not_part_of_block_10():
    found = grouped(names(12), "model.layers", range(12), 12)
    assert found["block 2"] == ["model.layers.1.q", "model.layers.1.mlp"]
    assert list(found)[-1] == "block 12"


def test_what_is_outside_the_blocks_is_one_part():
    assert outside(names(3), "model.layers") == {OUTSIDE: ["model.embed.weight", "lm_head.weight"]}


def test_groups_are_named_by_their_first_and_last_block():
    assert list(grouped(names(10), "model.layers", range(10), 3)) == ["blocks 1 to 3", "blocks 4 to 6", "blocks 7 to 10"]


@given(st.integers(1, 40), st.integers(1, 50))
def test_every_block_is_in_one_group_and_groups_differ_by_one_block_at_most(blocks, groups):
    found = grouped(names(blocks), "model.layers", range(blocks), groups)
    sizes = [len(own) // 2 for own in found.values()]
    assert [name for own in found.values() for name in own] == [name for name in names(blocks) if name.startswith("model.layers.")]
    assert max(sizes) - min(sizes) <= 1
    assert [list(members(range(blocks), groups, place)) for place in range(len(found))] == [
        sorted({int(name.split(".")[2]) for name in own}) for own in found.values()
    ]
