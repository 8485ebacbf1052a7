"""Writes the tables of README.md and docs/ from the program itself: `python -m docs.tools.readme_tables README.md docs/*.md`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from docs.tools.catalogue import SECTIONS, settings_text, table
from docs.tools.endings import endings_table
from docs.tools.limits import limits_table
from pytest_unicomp.api.protocols import Method
from pytest_unicomp.api.registry import benchmarks, methods
from pytest_unicomp.checkpoints.checks import checks
from pytest_unicomp.checkpoints.format_table import FORMATS
from pytest_unicomp.config.settings import options
from pytest_unicomp.methods.architectures import ARCHITECTURES, support
from pytest_unicomp.store.local import write_text


def options_table() -> str:
    """One row per option: name, meaning, default."""
    rows = []
    for option in options():
        default = option.default
        shown = ", ".join(default) if isinstance(default, tuple) else str(default)
        rows.append((f"`{option.name}`", option.help, shown if default not in (None, ()) else "none"))
    return table(("option", "meaning", "default"), rows)


def recipes_table() -> str:
    """One row per family with and without calibration text: its recipes, which docs/methods.md describes."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, method in methods().items():
        found.setdefault((method.family, "yes" if method.calibrated else "no"), []).append(f"`{name}`")
    return table(("family", "calibrated", "recipes"), [(*kind, ", ".join(names)) for kind, names in sorted(found.items())])


def benchmarks_table() -> str:
    """One row per benchmark: name, capability, data set, metric, shots, the sets it belongs to."""
    rows = [
        (f"`{name}`", entry.capability, entry.dataset, entry.metric, str(entry.shots), ", ".join(entry.sets))
        for name, entry in benchmarks().items()
    ]
    return table(("benchmark", "capability", "data", "metric", "shots", "sets"), rows)


def capabilities_table() -> str:
    """One row per dimension and capability: its benchmarks, which docs/benchmarks.md describes."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, entry in benchmarks().items():
        found.setdefault((entry.dimension, entry.capability), []).append(name)
    return table(("dimension", "capability", "benchmarks"), [(*kind, ", ".join(_folded(names))) for kind, names in sorted(found.items())])


def _folded(names: list[str]) -> list[str]:
    """Write benchmarks that differ in their last word alone (one per language) as one: `mgsm_direct_*`."""
    families: dict[str, list[str]] = {}
    for name in names:
        families.setdefault(name.rpartition("_")[0], []).append(name)
    shown = [
        f"{family}_* ({len(members)})" if family and len(members) > 3 else member
        for family, members in families.items()
        for member in members
    ]
    return [f"`{name}`" if not name.endswith(")") else "`{}` {}".format(*name.split(" ", 1)) for name in dict.fromkeys(shown)]


def methods_table() -> str:
    """One row per recipe: name, family, method, settings, libraries, and the paper that its module names."""
    rows = []
    for name, method in methods().items():
        libraries = ", ".join(method.requires) or "none"
        rows.append((f"`{name}`", method.family, method.method, settings_text(method.settings()), libraries, _paper(method)))
    return table(("recipe", "family", "method", "settings", "libraries", "source"), rows)


def _paper(method: Method) -> str:
    found = re.search(r"arXiv (\d{4}\.\d{5})", sys.modules[type(method).__module__].__doc__ or "")
    return f"[arXiv {found[1]}](https://arxiv.org/abs/{found[1]})" if found else "none"


def architectures_table() -> str:
    """One row per recipe and one column per architecture: yes, or the number of the reason why not."""
    reasons = _reasons()
    rows = [
        (f"`{name}`", *(f"no ({reasons.index(reason) + 1})" if reason else "yes" for reason in support(method).values()))
        for name, method in methods().items()
    ]
    return table(("recipe", *ARCHITECTURES), rows)


def reasons_list() -> str:
    """The reasons of the table of architectures, numbered."""
    return "".join(f"{number}. {reason}\n" for number, reason in enumerate(_reasons(), start=1))


def _reasons() -> list[str]:
    return list(dict.fromkeys(reason for method in methods().values() for reason in support(method).values() if reason))


def artifact_checks_table() -> str:
    """One row per static check: name, what must hold, what to do where it does not."""
    return table(
        ("check", "what must hold", "what to do"), ((f"`{name}`", check.expected, check.action) for name, check in checks().items())
    )


def formats_table() -> str:
    """One row per format of checkpoints: title, how it is recognized, whether its codes are checked, how it is evaluated, what to type."""
    words = {"here": "as it is", "converted": "converted first", "extra": "with a library", "serve": "served by another program only"}
    rows = []
    for form in FORMATS.values():
        evaluated = "by a class of lm-eval, or served by another program" if form.lm_eval else words[form.support]
        how = f"{evaluated}{'; ' if form.note else ''}{form.note}"
        rows.append((form.title, form.recognized, "codes too" if form.checked else "files alone", how, f"`{form.action}`"))
    return table(("format", "recognized by", "`check-artifact`", "evaluated", "what to type"), rows)


TABLES: Mapping[str, Callable[[], str]] = {
    "endings": endings_table,
    "limits": limits_table,
    "options": options_table,
    "recipes": recipes_table,
    "capabilities": capabilities_table,
    "benchmarks": benchmarks_table,
    "methods": methods_table,
    "architectures": architectures_table,
    "reasons": reasons_list,
    "artifact-checks": artifact_checks_table,
    "formats": formats_table,
    **SECTIONS,
}


def main(path: Path) -> None:
    """Replace each table that the file has markers for."""
    text = path.read_text(encoding="utf-8")
    for name, section in TABLES.items():
        start, end = f"<!-- {name}:start -->\n", f"<!-- {name}:end -->"
        if start not in text:
            continue
        before, _, rest = text.partition(start)
        _, _, after = rest.partition(end)
        text = before + start + section() + end + after
    write_text(path, text)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        main(Path(argument))
