"""`unicomp compare-recipes`: the recipes of one report against each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem, nearest
from pytest_unicomp.cli.output import as_text, say

if TYPE_CHECKING:
    from pytest_unicomp.api.records import Check, Measurement, Ranking, Report


def compare_recipes(
    source: Annotated[Path, typer.Argument(metavar="REPORT", help="JSON report of a run")],
    recipe: Annotated[
        list[str] | None, typer.Argument(help="recipes to compare, at least two; if none is named, all of the report")
    ] = None,
    cache: Annotated[
        str | None, typer.Option(help="the store of that run: folder or fsspec address; if not given, the user's cache folder")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print a list of rankings")] = False,
) -> None:
    """Compare the recipes of a report with each other, on the same items.

    Says per capability which recipe is better and which cannot be told apart. Fewer recipes are told apart more easily: the correction
    for many pairs counts only the pairs of the recipes that are named. Exit codes: 0, 4 usage, 7 the evidence is not in the store.

    Example: unicomp compare-recipes gate.json awq-w4a16 gptq-w4a16
    """
    from pytest_unicomp.report.json import read

    report = read(source)
    names = _known([name for one in recipe or [] for name in one.split(",")], report, source)
    found = _among(names, report, cache) if names else report.rankings
    if as_json:
        typer.echo(as_text([ranking.model_dump(mode="json") for ranking in found]))
        return
    if not found:
        say("unicomp: no capability has scores of two of these recipes on the same items, so there is nothing to compare")
    say("\n\n".join("\n".join(_lines(ranking)) for ranking in found))


def _known(names: Sequence[str], report: Report, source: Path) -> list[str]:
    known = [row.recipe for row in report.recipes]
    for name in names:
        if name not in known:
            raise UsageProblem(f"unicomp: {source} has no recipe {name!r}; expected one of: {', '.join(known)}.{nearest(name, known)}")
    if len(set(names)) == 1:
        raise UsageProblem(f"unicomp: compare-recipes found one recipe, {names[0]}; expected at least two, or none for all of the report.")
    return list(dict.fromkeys(names))


def _among(names: Sequence[str], report: Report, cache: str | None) -> list[Ranking]:
    """Rank the named recipes alone, from the per-item evidence in the store."""
    from pytest_unicomp.cli.error_level import error_level
    from pytest_unicomp.cli.verify.evidence import Evidence, Gone
    from pytest_unicomp.compare import Policy
    from pytest_unicomp.run.conclude import scored
    from pytest_unicomp.run.rank_recipes import rank_recipes
    from pytest_unicomp.store.shared import opened

    if report.policy.get("sequential"):
        raise UsageProblem("unicomp: the run stopped early, so its recipes were asked different items; nothing can be compared.")
    evidence = Evidence(opened(cache))

    def measured(check: Check) -> Measurement:
        return evidence.pair(check)[1]

    try:
        own = [check for check in scored(report.checks) if check.recipe in names]
        return rank_recipes(own, measured, Policy(alpha=error_level(report)))
    except Gone as gone:
        raise InfrastructureError(f"unicomp: {gone}; --cache names the store of the run.") from gone


def _lines(ranking: Ranking) -> list[str]:
    from pytest_unicomp.compare.wording import spoken
    from pytest_unicomp.report.numbers import ascii_only, change, interval
    from pytest_unicomp.report.standings import basis, standings, unit_of_ranking

    unit, rows = unit_of_ranking(ranking), standings(ranking)
    width = max(len(row.recipe) for row in rows)
    lines = [f"{spoken(ranking.capability)} ({basis(ranking)}; {100 * ranking.confidence:.4g} % intervals)"]
    lines += [f"  {ascii_only(row.ranks):>5}  {row.recipe:{width}}  {row.shown:>8}" for row in rows]
    for pair in ranking.pairs:
        ends = "(no interval)" if pair.interval is None else ascii_only(interval(pair.interval, unit))
        answer = f"{pair.better} is better" if pair.better else "not told apart"
        lines.append(f"  {pair.first} - {pair.second}: {ascii_only(change(pair.difference, unit))} {ends}: {answer}")
    return [*lines, *(f"  {name} is not ranked: {why}" for name, why in ranking.left_out.items())]
