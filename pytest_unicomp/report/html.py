"""Renders the HTML page: one self-contained file without scripts or requests, byte for byte the same for the same report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_unicomp.api.records import Check, Claim, LocatedLoss, Report
from pytest_unicomp.compare import partial
from pytest_unicomp.report import filters, forest, numbers, repeat, reply_rows, shown_flips, standings, template, waiver_rows, words, worst
from pytest_unicomp.report.matrix import RecipeRow, matrix
from pytest_unicomp.store.local import write_text

# Rows of the sections on replies and on distributions; the JSON report has all.
WORST, FARTHEST = 10, 30


def render(report: Report, *, losses: Sequence[LocatedLoss] = ()) -> str:
    """Return the page as one HTML document; text from the report is escaped, and its control characters are made visible.

    `losses` are shown in a section of their own: they are found after the run, so the report does not hold them.
    """
    from markupsafe import Markup

    from pytest_unicomp.report import pareto_plot, radar

    environment = template.environment()
    environment.globals.update(waivers=waiver_rows, standings=standings.standings, unit_of_ranking=standings.unit_of_ranking)
    laid_out, replied, distributions = matrix(report), reply_rows.replied(report), _distributions(report)
    shown = shown_flips.chosen(laid_out.rows)
    choices = filters.filters(shown)
    style = template.style() + filters.rules(choices)
    return environment.get_template("page.html.jinja").render(
        report=report,
        sections=_sections(report, losses),
        losses=losses,
        style=Markup(style),
        policy_header=template.content_security_policy(style),
        matrix=laid_out,
        confidence=", ".join(f"{100 * level:.4g}%" for level in sorted({check.confidence for check in report.checks})) or "90%",
        radars=radar.radars(report, laid_out.rows),
        bases=_bases(report),
        figures=[(row, forest.panels(row)) for row in laid_out.rows],
        flipped=[(flip, filters.classes(flip, choices)) for flip in shown],
        filters=choices,
        kept=shown_flips.kept(laid_out.rows),
        left_out=[partial.named(left) for left in report.partial.missing] if report.partial else [],
        partly=partial.counted(report.partial) if report.partial else "",
        shortened=shown_flips.shortened,
        behaviour=[check for check in report.checks if check.question == "retention" and (check.worst_slice or check.floors)],
        replied=replied[:WORST],
        more_replied=len(replied[WORST:]),
        distributions=distributions[:FARTHEST],
        nearer=len(distributions[FARTHEST:]),
        efficiency=_efficiency(laid_out.rows),
        timings=[check for row in laid_out.rows for check in row.checks if check.question == "efficiency" and numbers.is_timed(check)],
        pareto_plots=pareto_plot.pareto_plots(report),
        sentence=worst.sentence(report),
        worst=worst.findings(report),
        claims=_claims(report.findings),
        machine=_machine(report.environment),
        versions=sorted(report.environment.get("versions", {}).items()),
        policy={name: "all" if name == "limit" and value is None else value for name, value in report.policy.items()},
        repeats=[(check, repeat.command(report, check)) for check in repeat.worth_repeating(report.checks)],
    )


def write(report: Report, path: Path, *, losses: Sequence[LocatedLoss] = ()) -> None:
    """Write the page atomically. Raises OSError if writing fails."""
    write_text(path, render(report, losses=losses))


def _sections(report: Report, losses: Sequence[LocatedLoss]) -> dict[str, str]:
    """Return the headings of the page by id; waivers, kernels, rankings, losses, replies and distributions are listed only if there are any."""
    there = {
        "waivers": bool(report.waivers),
        "kernels": bool(report.kernels),
        "rankings": bool(report.rankings),
        "losses": bool(losses),
        "replies": bool(reply_rows.replied(report)),
        "distributions": bool(_distributions(report)),
    }
    return {name: title for name, title in words.SECTIONS.items() if there.get(name, True)}


def _distributions(report: Report) -> list[Check]:
    """Return the retention checks that say something of distributions, of certainty or of where replies part, the farthest distributions first."""
    told = [check for check in report.checks if check.divergence_table or check.uncertainty or check.divergent_replies]
    return sorted(told, key=lambda check: check.divergence_table.kl_mean if check.divergence_table else 0.0, reverse=True)


def _efficiency(rows: Sequence[RecipeRow]) -> list[tuple[str, dict[str, Check]]]:
    """Return each efficiency benchmark's name and its checks by recipe; compression costs have no ratio and are left out."""
    found: dict[str, dict[str, Check]] = {}
    for row in rows:
        for check in row.checks:
            if check.question == "efficiency" and check.capability != "compute_cost":
                found.setdefault(check.benchmark, {})[check.recipe] = check
    return sorted(found.items())


def _bases(report: Report) -> list[tuple[str, str]]:
    """Return each distinct (score, basis) pair of all recipes, in the order of the scores."""
    found = {(name, basis) for recipe in report.recipes for name, basis in recipe.score_basis.items()}
    order = list(words.SCORES)
    return sorted(found, key=lambda entry: (order.index(entry[0]) if entry[0] in order else len(order), entry))


def _claims(findings: Sequence[Claim]) -> list[tuple[str, str, list[Claim]]]:
    """Return each claim with the counts of its answers, and its entries."""
    grouped: dict[str, list[Claim]] = {}
    for claim in findings:
        grouped.setdefault(claim.claim, []).append(claim)
    return [
        (name, ", ".join(f"{answer} {times}×" for answer, times in Counter(entry.answer for entry in entries).items()), entries)
        for name, entries in grouped.items()
    ]


def _machine(environment: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the machine's properties, without the library versions, which have their own table."""
    from pytest_unicomp.report import html_values

    machine = {name: value for name, value in environment.items() if name != "versions"}
    if isinstance(machine.get("memory_bytes"), int):
        machine = {("memory" if name == "memory_bytes" else name): value for name, value in machine.items()}
        machine["memory"] = numbers.size(machine["memory"])
    if "accelerators" in machine and not machine["accelerators"]:
        machine["accelerators"] = "none"
    return html_values.flat(machine)
