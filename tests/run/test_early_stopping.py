"""The looks of sequential mode: steps of a tenth of the items that never cut a cluster in two."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp import compare
from pytest_unicomp.run.early_stopping import LEAST, LOOKS, _bounds
from tests.toys import item


@given(st.lists(st.integers(0, 40), min_size=1, max_size=1500), st.integers(0, 3))
def test_every_look_ends_where_a_cluster_ends_and_the_last_has_all_items(clusters, seed):
    items = [item(str(place), 1.0, cluster=str(cluster) if cluster else None) for place, cluster in enumerate(clusters)]
    order = compare.fixed_order(items, seed=seed)
    bounds = _bounds(order)
    assert bounds == sorted(set(bounds))
    assert bounds[-1] == len(order)
    assert len(bounds) <= LOOKS
    assert all(order[bound].cluster is None or order[bound].cluster != order[bound - 1].cluster for bound in bounds[:-1])
    assert all(later - earlier >= LEAST for earlier, later in zip([0, *bounds], bounds[:-1], strict=False))
