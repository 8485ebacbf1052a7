"""The import graph, read from the sources alone, independently of import-linter: which packages there are, and who may import whom."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pytest_unicomp"
# From the top: each may import those that come after it.
LAYERS = (
    "cli",
    "plugin",
    "run",
    "report",
    "calibration",
    "methods",
    "benchmarks",
    "judges",
    "engine",
    "nano",
    "compare",
    "checkpoints",
    "store",
    "config",
    "api",
)
LONGEST_CLASS, LONGEST_MODULE = 200, 300
# Names that say nothing of what is inside.
VAGUE = {"utils", "util", "common", "base", "helpers", "helper", "misc"}


@cache
def modules():
    """Return the parsed source of each module of the package by its dotted name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(path.read_text(encoding="utf-8"))
        for path in PACKAGE.rglob("*.py")
    }


def typing_only(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def nodes(tree):
    """Yield the nodes that run, those of functions too; blocks for the type checker are left out."""
    for child in ast.iter_child_nodes(tree):
        if not typing_only(child):
            yield child
            yield from nodes(child)


@cache
def imports():
    """Return for each module the modules of the package that it imports, inside functions too."""
    found = {}
    for name, tree in modules().items():
        targets = set()
        for node in nodes(tree):
            if isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name} imports relatively, which this test does not read"
                targets |= {
                    f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in modules() else node.module for alias in node.names
                }
        found[name] = {target for target in targets if target in modules()} - {name}
    return found


def room(module):
    """Return the package at the root in which a module lives; empty for the root itself."""
    return module.split(".")[1] if "." in module else ""


def circles(graph):
    """Return the groups of two or more nodes that reach each other (Tarjan's strongly connected components)."""
    number, low, stack, found = {}, {}, [], []

    def visit(node):
        number[node] = low[node] = len(number)
        stack.append(node)
        for target in sorted(graph[node]):
            if target not in number:
                visit(target)
            if target in stack:
                low[node] = min(low[node], low[target])
        if low[node] == number[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            found.extend([sorted(group)] if len(group) > 1 else [])

    for node in graph:
        if node not in number:
            visit(node)
    return found


def test_the_root_holds_fifteen_packages_and_nothing_else():
    listed = subprocess.run(["git", "ls-files"], cwd=PACKAGE, capture_output=True, text=True, check=False).stdout.splitlines()
    there = {name.partition("/")[0] for name in listed} or {path.name for path in PACKAGE.iterdir()} - {"__pycache__"}
    assert len(LAYERS) == 15
    assert there == {*LAYERS, "__init__.py", "py.typed"}


def test_no_package_imports_one_that_stands_above_it():
    upward = {
        f"{module} -> {target}"
        for module, targets in imports().items()
        for target in targets
        if room(module) and room(target) and LAYERS.index(room(target)) < LAYERS.index(room(module))
    }
    assert sorted(upward) == []


def test_no_package_of_the_root_is_in_a_circle():
    graph = {layer: set() for layer in LAYERS}
    for module, targets in imports().items():
        if room(module):
            graph[room(module)] |= {room(target) for target in targets if room(target)} - {room(module)}
    assert sum(map(len, graph.values())) > 30, "the graph is not read"
    assert circles(graph) == []


def test_no_module_is_in_a_circle_imports_inside_functions_included():
    assert sum(map(len, imports().values())) > 500, "the graph is not read"
    assert circles(imports()) == []


def test_a_circle_is_found_if_there_is_one():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}) == [["a", "b", "c"]]


def test_only_the_plugin_imports_pytest():
    found = {
        module
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
        if name and name.partition(".")[0] in ("pytest", "_pytest")
    }
    assert {room(module) for module in found} == {"plugin"}


def test_no_module_has_a_name_that_says_nothing():
    assert [module for module in modules() if VAGUE & set(module.split("."))] == []


def lines(node):
    return node.end_lineno - node.lineno + 1


def test_no_module_and_no_class_is_too_long_to_read_at_once():
    long = {name for name in modules() if len(source(name)) > LONGEST_MODULE}
    long |= {
        f"{name}.{node.name}"
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and lines(node) > LONGEST_CLASS
    }
    assert sorted(long) == []


def source(module):
    """Return the lines of a module."""
    place = ROOT.joinpath(*module.split("."))
    path = place.with_suffix(".py") if place.with_suffix(".py").is_file() else place / "__init__.py"
    return path.read_text(encoding="utf-8").splitlines()


def test_an_import_of_the_type_checker_is_no_import_and_one_inside_a_function_is():
    tree = ast.parse("if TYPE_CHECKING:\n    import a\ndef work():\n    import b\n")
    assert [alias.name for node in nodes(tree) if isinstance(node, ast.Import) for alias in node.names] == ["b"]
