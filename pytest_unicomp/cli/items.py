"""`unicomp compare`, `unicomp selftest` and `unicomp judge`: commands on per-item scores and replies."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.cli.output import Json, as_text


def compare(
    reference: Path,
    candidate: Path,
    margin: Annotated[
        str, typer.Option(help="largest accepted loss: 0.02 (2 points), `5%` of the reference, or `1.2x errors` of it")
    ] = "0.03",
    alpha: Annotated[float, typer.Option(help="one-sided error level, in (0, 0.5)")] = 0.05,
    cluster: Annotated[str | None, typer.Option(help="field that names an item's cluster; dots for nested fields (doc.subject)")] = None,
    metric: Annotated[str | None, typer.Option(help="the metric to compare, if the lines hold several")] = None,
    filter_: Annotated[str | None, typer.Option("--filter", help="lm-eval's filter to compare, if the lines hold several")] = None,
    chance: Annotated[float | None, typer.Option(help="the score of random guessing, in [0, 1]")] = None,
    lower_is_better: Annotated[bool, typer.Option("--lower-is-better", help="a smaller score is better")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one object with the keys of a report's check")] = False,
) -> None:
    """Compare two files of per-item scores.

    Each holds lines {"id", "score"}, or lm-eval's samples. Exit codes: 0 pass, 1 fail, 6 undecided, 4 usage.

    Example: unicomp compare base.jsonl int4.jsonl --margin 0.02
    """
    from pytest_unicomp.cli.commands import compare_files
    from pytest_unicomp.cli.commands.score_sheet import Choice

    choice = Choice(metric=metric, filter=filter_, cluster=cluster)
    check = compare_files.compare_files(
        reference, candidate, margin=margin, alpha=alpha, choice=choice, lower_is_better=lower_is_better, chance=chance
    )
    typer.echo(as_text(check.model_dump(mode="json")) if as_json else "\n".join(compare_files.lines(check)))
    raise typer.Exit(compare_files.exit_code(check))


def selftest(
    evidence: Annotated[Path, typer.Argument(help="a JSON report, a baseline file, or a folder of baselines")],
    margin: Annotated[str, typer.Option(help="margin for baselines; a report has its own")] = "0.03",
    alpha: Annotated[float, typer.Option(help="one-sided error level for baselines; a report has its own")] = 0.05,
    seed: Annotated[int, typer.Option(help="seed of swaps and planted losses")] = 0,
    as_json: Json = False,
) -> None:
    """Measure how often verdicts err on your own evidence.

    Swaps pairs at random, so that nothing is lost, and plants losses. Exit code 1 if verdicts err more often than alpha.

    Example: unicomp selftest gate.json
    """
    from pytest_unicomp.cli.commands import selftest as error_rates

    rows = error_rates.rows(evidence, margin=margin, alpha=alpha, seed=seed)
    typer.echo(json.dumps(rows, indent=1) if as_json else "\n".join(error_rates.lines(rows)))
    raise typer.Exit(0 if error_rates.sound(rows) else 1)


def judge(what: Annotated[str, typer.Argument(help="what to judge: refusal")]) -> None:
    """Judge replies from standard input.

    Each line is a JSON object {"id", "prompt", "response"}. Example: unicomp judge refusal < replies.jsonl
    """
    from pytest_unicomp.judges import refusal

    if what != "refusal":
        raise UsageProblem(f"unicomp: there is no judge of {what!r}; expected refusal.{nearest(what, ['refusal'])}")
    # JSON lines are UTF-8 in any locale; an invalid byte must not cost more than its own character.
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace")
    # Read everything before printing anything, so that a bad line does not leave half an answer.
    for name, prompt, response in list(refusal.read_replies(sys.stdin, source="standard input")):
        found = refusal.judge(prompt, response)
        typer.echo(json.dumps({"id": name, "refused": found.refused, "confidence": found.confidence}))
