"""`unicomp report`, `score`, `sign`, `verify` and `diff`: commands that read JSON reports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem, nearest
from pytest_unicomp.cli.output import Json, as_text, say


def report(
    source: Annotated[Path, typer.Argument(metavar="REPORT", help="JSON report of a run")],
    output: Annotated[list[Path], typer.Option("--output", "-o", help="file to write, with suffix .html, .md or .json; repeatable")],
    model_card: Annotated[
        bool, typer.Option("--model-card", help="write .md as a fragment of a model card, with front matter for the hub")
    ] = False,
    recipe: Annotated[str | None, typer.Option(help="the recipe of the model card, if several recipes gate")] = None,
) -> None:
    """Make HTML or Markdown pages from a JSON report.

    Examples: unicomp report gate.json -o gate.html;
    unicomp report gate.json -o card.md --model-card --recipe gptq-w4a16
    """
    from pytest_unicomp import report as reports
    from pytest_unicomp.report import model_card as card
    from pytest_unicomp.report.json import read

    for path in output:
        reports.validate(path)
    if recipe is not None and not model_card:
        raise UsageProblem("unicomp: --recipe chooses the recipe of a model card; add --model-card, or leave it out.")
    if model_card and not any(path.suffix.lower() == ".md" for path in output):
        raise UsageProblem("unicomp: --model-card needs an output with the suffix .md, such as -o card.md.")
    answer = read(source)
    for path in output:
        try:
            if model_card and path.suffix.lower() == ".md":
                card.write(answer, path, recipe)
            else:
                reports.write(answer, path)
        except OSError as error:
            # The error itself names a temporary file.
            raise InfrastructureError(f"unicomp: {path} was not written: {error.strerror or error}; choose another place.") from error
        typer.echo(f"unicomp: wrote {path}")


def score(
    source: Annotated[Path | None, typer.Argument(metavar="REPORT", help="JSON report of a run")] = None,
    published: Annotated[bool, typer.Option("--published", help="the scores of the paper's tables instead of a report's")] = False,
    model: Annotated[str, typer.Option(help="a model of the paper: LLaMA-3.1-8B or Qwen2.5-7B")] = "LLaMA-3.1-8B",
    scoring: Annotated[
        str, typer.Option(help="paper: as printed; corrected: recomputed from the raw cells, without the errata")
    ] = "corrected",
    as_json: Annotated[bool, typer.Option("--json", help="print one object: scores by row label")] = False,
) -> None:
    """Print the thirteen UniComp scores of a report or paper.

    Examples: unicomp score gate.json; unicomp score --published --model Qwen2.5-7B --scoring paper --json
    """
    from pytest_unicomp.report import scores

    if published == (source is not None):
        raise UsageProblem("unicomp: score needs either a JSON report or --published, the scores of the paper's tables.")
    if source is not None:
        _run_scores(source, as_json)
        return
    if scoring not in ("paper", "corrected"):
        raise UsageProblem(f"unicomp: --scoring is {scoring!r}; expected paper or corrected.{nearest(scoring, ('paper', 'corrected'))}")
    found = scores.published(model, "paper" if scoring == "paper" else "corrected")
    if as_json:
        typer.echo(as_text(found))
        return
    typer.echo(" ".join(["row".ljust(20), *(name.rjust(7) for name in scores.SCORES)]))
    for row, values in found.items():
        shown = ("-" if value is None else f"{value:.2f}" for value in values.values())
        typer.echo(" ".join([row.ljust(20), *(text.rjust(7) for text in shown)]))
    typer.echo(
        f"{scoring} scoring; ratios to the base model x 100; no intervals: the paper prints no per-item data. Errata: docs/scores.md"
    )


def _run_scores(source: Path, as_json: bool) -> None:
    from pytest_unicomp.report.json import read
    from pytest_unicomp.report.scores import SCORES

    answer = read(source)
    rows = {recipe.recipe: recipe for recipe in answer.recipes}
    if as_json:
        shown = {
            name: {
                score: {
                    "value": row.scores.get(score),
                    "interval": row.score_intervals.get(score),
                    "basis": row.score_basis.get(score),
                    "published": {model: values.get(score) for model, values in row.published.items()},
                }
                for score in SCORES
            }
            for name, row in rows.items()
        }
        typer.echo(as_text(shown))
        return
    for name, row in rows.items():
        for score in SCORES:
            value, interval = row.scores.get(score), row.score_intervals.get(score)
            if value is not None:
                spread = f"[{interval[0]:.1f}, {interval[1]:.1f}]" if interval else "(no interval)"
                basis = row.score_basis.get(score, "the run's recipes as pool")
                found = [f"{model} {one:.2f}" for model, values in row.published.items() if (one := values.get(score)) is not None]
                paper = f" (the paper: {', '.join(found)})" if found else ""
                say(f"{name:20} {score:7} {value:7.2f} {spread:18} {basis}{paper}")


def sign(
    source: Annotated[Path, typer.Argument(metavar="REPORT", help="JSON report of a run")],
    key: Annotated[Path, typer.Option(help="your key of OpenSSH; without passphrase, or in ssh-agent")],
) -> None:
    """Sign a report, so that a reviewer can tell who ran the gate.

    Writes REPORT.sig beside it, in OpenSSH's own format. The report names the digest of all evidence, so that is signed too.

    Example: unicomp sign gate.json --key ~/.ssh/id_ed25519
    """
    from pytest_unicomp.api.foreign import LARGEST_REPORT, read_bytes
    from pytest_unicomp.report import ssh_signature
    from pytest_unicomp.report.json import read
    from pytest_unicomp.store.local import write_text

    read(source)
    target = ssh_signature.beside(source)
    write_text(target, ssh_signature.sign(read_bytes(source, LARGEST_REPORT), key.expanduser()))
    typer.echo(f"unicomp: wrote {target}; check it with `unicomp verify {source} --allowed-signers FILE`")


def verify(
    source: Annotated[Path, typer.Argument(metavar="REPORT", help="JSON report of a run")],
    cache: Annotated[
        str | None, typer.Option(help="the store of that run: folder or fsspec address; if not given, the user's cache folder")
    ] = None,
    allowed_signers: Annotated[
        Path | None, typer.Option(help="OpenSSH's file of who may sign: one of them must have signed REPORT, in REPORT.sig")
    ] = None,
    as_json: Json = False,
) -> None:
    """Recompute every check and verdict of a report.

    Checks are recomputed from the per-item evidence in the store, and verdicts from the checks. Exit codes: 0 everything agrees, 1 something
    differs, its evidence changed or nobody allowed signed it, 6 a part could not be checked, 7 evidence, a planned check or the signature
    is missing, 4 usage.

    Example: unicomp verify gate.json --allowed-signers signers
    """
    from pytest_unicomp.api.foreign import LARGEST_REPORT, read_bytes
    from pytest_unicomp.cli import verify as verification
    from pytest_unicomp.cli.verify.signature import signature_answer
    from pytest_unicomp.report.json import read
    from pytest_unicomp.report.ssh_signature import beside
    from pytest_unicomp.store.shared import opened

    found, store, signature = read(source), opened(cache), beside(source)
    signed = [] if allowed_signers is None else [signature_answer(read_bytes(source, LARGEST_REPORT), signature, allowed_signers)]
    answers = verification.verify(found, store)
    if as_json:
        typer.echo(as_text(verification.rows([*answers, *signed])))
    else:
        say(
            "\n".join(
                [*verification.age_lines(found), *verification.lines(answers, store), *verification.signature_lines(signed, signature)]
            )
        )
    raise typer.Exit(verification.exit_code([*answers, *signed]))


def diff(
    first: Annotated[Path, typer.Argument(help="JSON report of the earlier run")],
    second: Annotated[Path, typer.Argument(help="JSON report of the later run")],
    as_json: Annotated[bool, typer.Option("--json", help="print one object: rows, conditions, comparable, exit_code")] = False,
) -> None:
    """Compare the verdicts and numbers of two reports.

    Shows changed verdicts, numbers with their intervals, and conditions that differ. Exit codes: 0 nothing that gates is worse, 1 something
    that gates is worse or missing, 6 the runs have different references or share no check, 4 usage.

    Example: unicomp diff last.json gate.json
    """
    from pytest_unicomp.cli.commands import diff_reports
    from pytest_unicomp.report.json import read

    found = diff_reports.diff_reports(read(first), read(second))
    if as_json:
        typer.echo(as_text(diff_reports.document(found)))
    else:
        say("\n".join(diff_reports.lines(found)))
    raise typer.Exit(found.exit_code)
