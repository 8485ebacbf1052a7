"""Renders the page that a reviewer reads and signs: one file, no script, nothing fetched, the same bytes for the same data."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from pytest_unicomp.records import Check, Report
from pytest_unicomp.report import flips, forest, numbers, repeat, words
from pytest_unicomp.report.matrix import Row, matrix
from pytest_unicomp.store import write_text
from pytest_unicomp.vocabulary import SCORES

HERE = Path(__file__).parent


def render(report: Report) -> str:
    """Return the page as one HTML document; every text of the report is escaped, control characters in it are made visible."""
    import jinja2
    from markupsafe import Markup

    from pytest_unicomp.report import cells

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=cells.finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = (HERE / "report.css").read_text(encoding="utf-8")
    laid_out = matrix(report)
    return environment.get_template("report.html.jinja").render(
        report=report,
        style=Markup(style),
        policy_header=content_security_policy(style),
        matrix=laid_out,
        figures=[(row, forest.panels(row)) for row in laid_out.rows],
        flipped=flips.groups(laid_out.rows),
        shortened=flips.shortened,
        efficiency=_efficiency(laid_out.rows),
        policy={name: "all" if name == "limit" and value is None else value for name, value in report.policy.items()},
        repeats=[(check, repeat.command(report, check)) for check in repeat.worth_repeating(report.checks)],
        confidence=", ".join(f"{100 * level:.4g}%" for level in sorted({check.confidence for check in report.checks})) or "90%",
        scores=[name for name in SCORES if any(recipe.scores.get(name) is not None for recipe in report.recipes)],
        kernels=[check for check in report.checks if check.kernels],
        behaviour=[check for check in report.checks if check.question == "retention" and (check.worst_slice or check.floors)],
        cells=cells,
        numbers=numbers,
        words=words,
    )


def content_security_policy(style: str) -> str:
    """Return a policy under which the page can load nothing and run nothing: only the one style sheet with this text applies."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


def write(report: Report, path: Path) -> None:
    """Write the page; it appears whole or not at all. Raises OSError where the disk refuses."""
    write_text(path, render(report))


def _efficiency(rows: Sequence[Row]) -> list[tuple[str, dict[str, Check]]]:
    """Return, per efficiency benchmark, its name and its check by recipe."""
    found: dict[str, dict[str, Check]] = {}
    for row in rows:
        for check in row.checks:
            if check.question == "efficiency":
                found.setdefault(check.benchmark, {})[check.recipe] = check
    return sorted(found.items())
