"""Prior evidence of a cell: from baselines if there are any, assumed and reported as such if not."""

import pytest

from pytest_unicomp.run.plan import Cell
from pytest_unicomp.run.prior_evidence import ASSUMED_DISCORDANCE, prior_evidence
from pytest_unicomp.store.baselines import Baselines
from tests.toys import measurement

CELL = Cell("wanda-50", "pruning", True, "toy", "items", "performance", "knowledge", 0)


@pytest.fixture
def baselines(tmp_path):
    return Baselines(tmp_path, tmp_path)


def evidence(baselines, cell=CELL, *, limit=None, discordance=None):
    return prior_evidence(cell, baselines, "org/base", limit=limit, discordance=discordance)


def test_half_a_flip_is_added_to_those_that_were_seen(baselines):
    before, after = [1.0] * 100, [1.0] * 96 + [0.0] * 4
    baselines.write("org/base", "dense", measurement(before))
    baselines.write("org/base", "wanda-50", measurement(after, artifact="b"))
    found = evidence(baselines)
    assert found.discordance == pytest.approx(4.5 / 101)
    assert (found.source, found.items, found.spread, found.design_effect) == ("measured on 100 items", 100, None, 1.0)
    assert found.variance == found.discordance
    assert found.reference == 1.0


def test_without_evidence_the_share_is_assumed_and_the_time_unknown(baselines):
    found = evidence(baselines, limit=50)
    assert (found.items, found.discordance, found.seconds) == (50, ASSUMED_DISCORDANCE, None)
    assert found.source.startswith("assumed")
    assert found.seconds_source.startswith("never timed")


def test_a_share_that_is_given_replaces_what_was_measured(baselines):
    baselines.write("org/base", "dense", measurement([1.0] * 10))
    baselines.write("org/base", "wanda-50", measurement([0.0] * 10, artifact="b"))
    found = evidence(baselines, discordance=0.2)
    assert (found.discordance, found.source) == (0.2, "given")


def test_a_limit_above_the_set_leaves_the_whole_set(baselines):
    baselines.write("org/base", "dense", measurement([1.0] * 10))
    assert evidence(baselines, limit=1000).items == 10
    assert evidence(baselines, limit=4).items == 4


def test_items_of_different_sets_are_not_paired(baselines):
    baselines.write("org/base", "dense", measurement([1.0] * 5))
    baselines.write("org/base", "wanda-50", measurement([1.0] * 10, artifact="b"))
    assert evidence(baselines, limit=10).source.startswith("assumed")


def test_a_size_has_no_share_of_items(baselines):
    found = evidence(baselines, Cell("wanda-50", "pruning", True, "bytes", "size", "efficiency", "inference_footprint", 0), limit=10)
    assert (found.items, found.discordance, found.variance) == (None, None, None)
    assert found.source == "size is not a share of items"


def test_a_file_of_fifty_questions_is_not_taken_for_a_thousand(baselines, monkeypatch):
    from pytest_unicomp.api import registry
    from pytest_unicomp.benchmarks.replies import Prompt, ReplyBenchmark
    from pytest_unicomp.config.evaluation import evaluation_of
    from pytest_unicomp.config.resolve import resolve

    class Own(ReplyBenchmark):
        def prompts(self, evaluation):
            return (Prompt(f"{n}", f"question {n}") for n in range(50))

        def grade(self, prompt, reply):
            return 1.0

    own = Own(capability="knowledge", metric="contains", tokens=4, chance=0.0, source="own")
    monkeypatch.setitem(registry.benchmarks().entries, "own", own)
    cell = Cell("wanda-50", "pruning", True, "own", "items", "performance", "knowledge", 0)
    found = prior_evidence(cell, baselines, "org/base", limit=1000, discordance=None, evaluation=evaluation_of(resolve({"model": "nano"})))
    assert found.items == 50


def test_fewer_items_share_fewer_clusters(baselines):
    before = measurement([1.0] * 400)
    clustered = [item.model_copy(update={"cluster": f"passage {place // 10}"}) for place, item in enumerate(before.items)]
    after = before.model_copy(update={"items": clustered, "artifact": "b"})
    baselines.write("org/base", "dense", before.model_copy(update={"items": clustered}))
    baselines.write("org/base", "wanda-50", after)
    few, all_of_them = evidence(baselines, limit=40), evidence(baselines, limit=400)
    assert few.discordance == all_of_them.discordance
    assert 1.0 <= few.design_effect < 2.0 < all_of_them.design_effect
