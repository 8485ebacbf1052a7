"""The first gate that the README shows is what the stored evidence gives: the same items, judged again by the rules of today."""

import re
from pathlib import Path

import pytest

from pytest_unicomp import compare
from pytest_unicomp.api.records import RecipeVerdict, Report
from pytest_unicomp.api.registry import methods
from pytest_unicomp.benchmarks.items import select
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.report.terminal import summary_lines
from pytest_unicomp.report.verdict_block import verdict_lines
from pytest_unicomp.store import baselines

README = Path(__file__).parents[2] / "README.md"
GATING, INFORMING = ("rtn-w8a16", "gptq-w4a16"), ("wanda-2of4", "rtn-w3a16")
BENCHMARKS = ("nano-knowledge", "nano-reasoning", "nano-instruction-following", "nano-safety")
SETTINGS = resolve({"model": "nano", "profile": "smoke"})
POLICY = compare.Policy(
    alpha=SETTINGS.alpha, capability_margin=SETTINGS.margin, benchmark_margin=SETTINGS.benchmark_margin, inconclusive="warn"
)


def limited(measurement):
    """Return the part of the stored evidence that a run of the profile's limit has."""
    names = set(select([item.id for item in measurement.items], limit=SETTINGS.limit, seed=SETTINGS.seed))
    items = [item for item in measurement.items if item.id in names]
    conditions = measurement.conditions.model_copy(update={"limit": SETTINGS.limit})
    return measurement.model_copy(update={"items": items, "n": len(items), "conditions": conditions})


@pytest.fixture(scope="module")
def output():
    """The lines that the terminal would show, in one column of words."""
    stored = baselines.Baselines(baselines.packaged(), baselines.packaged())
    recipes, checks = [], []
    for recipe in (*GATING, *INFORMING):
        identity = {"recipe": recipe, "family": methods()[recipe].family, "gates": recipe in GATING}
        own = [
            compare.retention(
                limited(stored.read("nano", "dense", name)),
                limited(stored.read("nano", recipe, name)),
                **identity,
                policy=POLICY,
                identical=False,
            )
            for name in BENCHMARKS
        ]
        verdict, reason, capabilities = compare.recipe_verdict(own, policy=POLICY)
        recipes.append(
            RecipeVerdict(
                **identity,
                settings={},
                calibration=None,
                verdict=verdict,
                reason=reason,
                capabilities=capabilities,
                artifact=None,
                unchanged=compare.unchanged(own, capabilities, POLICY),
            )
        )
        checks += own
    verdict, exit_code, reason = compare.run_verdict(recipes, POLICY)
    report = Report(
        created="",
        verdict=verdict,
        exit_code=exit_code,
        reason=reason,
        environment={},
        policy={},
        reference=None,
        recipes=recipes,
        checks=checks,
        unchanged=compare.unchanged_gate([row.unchanged for row in recipes if row.gates]),
    )
    block = verdict_lines(report, exit_code=exit_code, width=100, closing=["report: gate.json", "report: gate.html"], paths=["gate.json"])
    return [" ".join(line.split()) for line in (*summary_lines(report, 100), *block)]


def example():
    """Return the README's lines, spaces folded."""
    shown = re.search(r"<!-- example:start -->\n(.*?)<!-- example:end -->", README.read_text(encoding="utf-8"), re.DOTALL)[1]
    return [" ".join(line.split()) for line in shown.splitlines() if line.strip()]


def rows(lines):
    """Return the rows of the matrix: the verdict is their last word."""
    return [line for line in lines if re.search(r"\[.*\] (PASS|FAIL|INCONCLUSIVE)$", line)]


def test_the_rows_are_those_of_the_evidence(output):
    assert rows(example()) == rows(output)[: len(rows(example()))]
    assert len(rows(example())) == 12
    assert " ".join(("recipe", "capability", "retention", "difference", "interval", "verdict")) in example()


@pytest.mark.parametrize("recipe", [*GATING, *INFORMING])
def test_the_reasons_are_those_of_the_evidence(output, recipe):
    def reason(lines):
        text = " ".join(lines)
        found = re.search(rf"{recipe}( \(informs only\))?: (PASS|FAIL)[^()]*(\([^()]*\)[^()]*)?", text)
        return found[0].strip() if found else None

    assert reason(example()) == reason(output)


def test_the_probability_that_an_unchanged_model_passes_is_that_of_the_evidence(output):
    def power(lines):
        text = " ".join(lines)
        return re.search(r"power: .*? to \d\.\d\d", text)[0]

    assert power(example()) == power(output)


def test_the_verdict_and_the_exit_code_are_those_of_the_evidence(output):
    block = output[output.index("unicomp: PASS (exit code 0)") :]
    assert example()[-len(block) :] == block
