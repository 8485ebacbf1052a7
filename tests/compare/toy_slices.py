"""Measurements whose items have slices, and their retention check."""

from __future__ import annotations

from pytest_unicomp import compare
from tests.compare.toy_checks import POLICY
from tests.toys import measurement


def sides(lost, *, parts=6, size=60, dimension="reliability", capability="safety", name="toy"):
    """Two measurements of `parts` parts of equal size, right everywhere before; `lost` gives how many of each part are wrong after."""
    before = measurement([1.0] * (parts * size), benchmark=name)
    scores = [0.0 if place % size < lost.get(place // size, 0) else 1.0 for place in range(parts * size)]
    after = measurement(scores, artifact="b" * 8, benchmark=name)
    made = []
    for side in (before, after):
        items = [item.model_copy(update={"slice": f"part {place // size}"}) for place, item in enumerate(side.items)]
        made.append(side.model_copy(update={"items": items, "dimension": dimension, "capability": capability}))
    return made


def check(lost, **settings):
    before, after = sides(lost, **settings)
    return compare.retention(before, after, recipe="r", family="pruning", gates=True, policy=POLICY, identical=False)
