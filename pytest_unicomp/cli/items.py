"""`unicomp compare`, `unicomp selftest` and `unicomp judge`: items that were scored, or wait to be."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from pytest_unicomp.api.errors import UsageProblem, nearest


def compare(
    reference: Path,
    candidate: Path,
    margin: Annotated[str, typer.Option(help="largest accepted loss: 0.02 (points), `5%` of the reference, `1.2x errors` of it")] = "0.03",
    alpha: Annotated[float, typer.Option(help="one-sided error level, in (0, 0.5)")] = 0.05,
    cluster: Annotated[str | None, typer.Option(help="field that names what items share; dots reach inside (doc.subject)")] = None,
    metric: Annotated[str | None, typer.Option(help="which metric, where the lines hold several")] = None,
    filter_: Annotated[str | None, typer.Option("--filter", help="which of lm-eval's filters, where the lines hold several")] = None,
    chance: Annotated[float | None, typer.Option(help="the score of guessing, in [0, 1]")] = None,
    lower_is_better: Annotated[bool, typer.Option("--lower-is-better", help="a smaller score is better")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one object with the keys of a report's check")] = False,
) -> None:
    """Compare two files of per-item scores: lines of {"id", "score"}, or lm-eval's samples. Exit codes 0 pass, 1 fail, 6 undecided, 4 usage.

    Example: unicomp compare base.jsonl int4.jsonl --margin 0.02
    """
    from pytest_unicomp.cli.commands import compare_files
    from pytest_unicomp.cli.commands.item_files import Choice

    choice = Choice(metric=metric, filter=filter_, cluster=cluster)
    check = compare_files.compare_files(
        reference, candidate, margin=margin, alpha=alpha, choice=choice, lower_is_better=lower_is_better, chance=chance
    )
    typer.echo(
        json.dumps(check.model_dump(mode="json"), indent=1, ensure_ascii=False) if as_json else "\n".join(compare_files.lines(check))
    )
    raise typer.Exit(compare_files.exit_code(check))


def selftest(
    evidence: Annotated[Path, typer.Argument(help="a JSON report, a baseline file, or a folder of baselines")],
    margin: Annotated[str, typer.Option(help="margin for stored evidence; a report has its own")] = "0.03",
    alpha: Annotated[float, typer.Option(help="one-sided error level for stored evidence")] = 0.05,
    seed: Annotated[int, typer.Option(help="seed of swaps and planted flips")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="a list of objects")] = False,
) -> None:
    """Measure how often the rules err on your own evidence: pairs swapped at random, flips planted. Exit code 1 where more often than alpha.

    Example: unicomp selftest gate.json
    """
    from pytest_unicomp.cli.commands import selftest as own

    rows = own.rows(evidence, margin=margin, alpha=alpha, seed=seed)
    typer.echo(json.dumps(rows, indent=1) if as_json else "\n".join(own.lines(rows)))
    raise typer.Exit(0 if own.sound(rows) else 1)


def judge(what: Annotated[str, typer.Argument(help="refusal")]) -> None:
    """Judge replies, JSON lines {"id", "prompt", "response"} from standard input. Example: unicomp judge refusal < replies.jsonl"""
    from pytest_unicomp.judges import refusal

    if what != "refusal":
        raise UsageProblem(f"unicomp: no judge of {what!r}; expected refusal.{nearest(what, ['refusal'])}")
    # JSON lines are UTF-8 whatever the locale says; a broken character costs that character alone.
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace")
    # Everything is read before anything is printed: a bad line must not leave half an answer.
    for name, prompt, response in list(refusal.read_replies(sys.stdin, source="standard input")):
        found = refusal.judge(prompt, response)
        typer.echo(json.dumps({"id": name, "refused": found.refused, "confidence": found.confidence}))
