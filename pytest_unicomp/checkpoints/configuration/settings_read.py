"""Finds the settings that transformers' code of a model reads: a setting that is never read has no effect."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

# Parts of transformers that read the configuration of any model.
SHARED = ("masking_utils.py", "modeling_rope_utils.py", "cache_utils.py", "integrations/moe.py")


def settings_read(config: Any) -> frozenset[str] | None:
    """Return the names that the modeling code of this configuration's class reads from it, as attributes or through `getattr`.

    The properties of the class and its other names for a setting (`attribute_map`) are followed. None if the code is not found.
    """
    kind = type(config)
    folder = Path(inspect.getfile(kind)).parent
    sources = sorted(folder.glob("modeling_*.py"))
    if not sources:
        return None
    root = Path(inspect.getfile(kind)).parents[2]
    found = set().union(*(_read_in(file) for file in (*sources, *(root / name for name in SHARED)) if file.is_file()))
    found |= _read_by_properties(Path(inspect.getfile(kind)))
    # `attribute_map` gives the usual name of a setting its name in this class.
    found |= {own for usual, own in (getattr(kind, "attribute_map", None) or {}).items() if usual in found}
    return frozenset(found)


@cache
def _read_in(file: Path) -> frozenset[str]:
    return frozenset(_from_config(ast.parse(file.read_text(encoding="utf-8"))))


def _from_config(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_config(node.value):
            yield node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr"):
            match node.args:
                case [source, ast.Constant(value=name), *_] if _is_config(source):
                    yield str(name)


def _is_config(node: ast.expr) -> bool:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return "config" in name


@cache
def _read_by_properties(file: Path) -> frozenset[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and any(isinstance(mark, ast.Name) and mark.id == "property" for mark in node.decorator_list):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.value.id == "self":
                    found.add(inner.attr)
    return frozenset(found)
