"""The front of quality and cost, and the cheapest recipe that is proven."""

from pytest_unicomp.api.records import RecipeVerdict
from pytest_unicomp.report.scores import cheapest, points
from tests.toys import artifact


def recipe(name, quality, size, *, verdict="pass", seconds=1.0, family="quantization"):
    return RecipeVerdict(
        recipe=name,
        family=family,
        gates=True,
        settings={},
        calibration=None,
        verdict=verdict,
        reason="",
        capabilities=[
            {
                "capability": "knowledge",
                "dimension": "performance",
                "benchmarks": ["x"],
                "difference": 0.0,
                "interval": None,
                "confidence": 0.9,
                "margin": 0.03,
                "retention": 1.0,
                "verdict": verdict,
                "reason": "",
            }
        ],
        scores={"S_K": quality, "S_R": None},
        artifact=artifact("/a", recipe=name, bytes=size, compress_seconds=seconds),
    )


def test_a_recipe_that_another_beats_everywhere_is_not_on_the_front():
    found = {point.recipe: point.front for point in points([recipe("a", 99, 50), recipe("b", 98, 60), recipe("c", 90, 25)], [])}
    assert found == {"a": True, "b": False, "c": True}


def test_equal_recipes_are_both_on_the_front():
    assert all(point.front for point in points([recipe("a", 99, 50), recipe("b", 99, 50)], []))


def test_the_cheapest_is_the_smallest_that_passes():
    recipes = [recipe("a", 99, 50), recipe("b", 98, 30), recipe("c", 10, 20, verdict="fail"), recipe("dense", 100, 10, family="none")]
    assert cheapest(recipes) == "b"
    assert cheapest(recipes[2:3]) is None


def test_without_scores_there_is_no_point():
    assert points([recipe("a", None, 50)], []) == []
