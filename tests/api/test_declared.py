"""What the stages read of a benchmark or a recipe is declared: nothing is read by the name of an attribute, nothing decided by a part of a name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_unicomp
from pytest_unicomp.api.registry import benchmarks, methods

ROOT = Path(pytest_unicomp.__file__).parent
# These packages read objects of other people's libraries, which differ between versions and models.
READERS = ("checkpoints", "engine", "methods", "plugin")
# Such objects elsewhere: a model's configuration, its tokenizer, Python's own modules.
FOREIGN = {"config", "tokenizer", "os", "signal"}
# Reads and tests that are right, each with its reason.
ALLOWED = {
    # The language model of an engine may be anybody's; ours alone explains how it reads.
    "getattr(vars(engine.lm).get('capabilities'), 'reason', None)",
    # Typer carries its own click in some versions, which has no such exception in others.
    "getattr(sys.modules[misused.__module__], 'NoArgsIsHelpError', ())",
    # Stored baselines lie in folders named after their recipe, and files say no more.
    "file.parent.name != 'dense'",
    # The maintainers' table of the embedded model has short heads.
    "name.removeprefix('nano-')",
    # A report names what has no recipe so, and its rows of the paper's table by their benchmark.
    "check.recipe == 'reference'",
    "benchmark != 'throughput'",
}
TESTS = ("startswith", "endswith", "removeprefix", "removesuffix")
SUBJECTS = ("benchmark", "recipe")
NAMES = ("name", "other", "method", "variant")


def read_by_name(tree: ast.AST) -> Iterator[str]:
    """Yield every `getattr` or `hasattr` with a constant, of an object that is ours."""
    for node in ast.walk(tree):
        called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if called in ("getattr", "hasattr") and isinstance(node.args[1], ast.Constant) and ast.unparse(node.args[0]) not in FOREIGN:
            yield ast.unparse(node)


def decided_by_a_name(tree: ast.AST, parts: frozenset[str]) -> Iterator[str]:
    """Yield every test of the name of a benchmark or a recipe against a constant: the whole of it, its beginning, its end or its middle."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Eq, ast.NotEq, ast.In, ast.NotIn)):
            sides = (node.left, node.comparators[0])
            if any(_is_test(constant, subject, parts, NAMES) for constant, subject in (sides, sides[::-1])):
                yield ast.unparse(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TESTS and node.args:
            subject = node.func.value
            if _is_test(node.args[0], subject, parts, (_last(subject),)):
                yield ast.unparse(node)


def _is_test(constant: ast.AST, subject: ast.AST, parts: frozenset[str], names: tuple[str, ...]) -> bool:
    if not isinstance(constant, ast.Constant) or not isinstance(constant.value, str):
        return False
    return _last(subject) in SUBJECTS or (_last(subject) in names and constant.value in parts)


def _last(node: ast.AST) -> str:
    """Return the last word of `name` or `object.name`; empty for another expression."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


@pytest.fixture(scope="module")
def parts() -> frozenset[str]:
    """The names of all benchmarks and recipes, and the beginnings and ends that a dash or an underscore cuts off them, with it."""
    found = set()
    for name in (*benchmarks(), *methods()):
        cuts = [place for place, letter in enumerate(name) if letter in "-_"]
        found |= {name, *(name[: cut + 1] for cut in cuts), *(name[cut:] for cut in cuts)}
    return frozenset(found)


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.AST]:
    return {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ROOT.rglob("*.py"))}


def test_no_attribute_of_ours_is_read_by_its_name(trees):
    found = {str(file): set(read_by_name(tree)) - ALLOWED for file, tree in trees.items() if file.parts[0] not in READERS}
    assert {file: reads for file, reads in found.items() if reads} == {}


def test_no_stage_decides_by_the_name_of_a_benchmark_or_a_recipe(trees, parts):
    found = {str(file): set(decided_by_a_name(tree, parts)) - ALLOWED for file, tree in trees.items()}
    assert {file: tests for file, tests in found.items() if tests} == {}


@pytest.mark.parametrize(
    "planted", ["getattr(benchmark, 'alone', False)", "hasattr(benchmarks()[name], 'questions')", "getattr(entry, 'file')"]
)
def test_a_planted_read_is_found(planted):
    assert list(read_by_name(ast.parse(planted))) == [planted]


@pytest.mark.parametrize(
    "planted",
    [
        "'memory' in cell.benchmark",
        "name.startswith('nano-')",
        "cell.recipe != 'dense'",
        "method.method == 'dense'",
        "'dense' == variant",
        "key.endswith('-paper')",
    ],
)
def test_a_planted_test_of_a_name_is_found(planted, parts):
    assert list(decided_by_a_name(ast.parse(planted), parts)) == [planted]


def test_other_texts_may_be_tested_and_other_objects_read(parts):
    allowed = ast.parse("'answer' in row and name.endswith('.qweight') and kind == 'items' and getattr(config, 'layers', 0)")
    assert list(decided_by_a_name(allowed, parts)) == []
    assert list(read_by_name(allowed)) == []
