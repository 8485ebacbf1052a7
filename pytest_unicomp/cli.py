"""The command `unicomp`: the gate and the catalogue, for people and scripts that do not want to type pytest."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from pytest_unicomp.errors import InfrastructureError, UnicompError, UsageProblem, nearest
from pytest_unicomp.options import Settings, default_of, flag, options

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Release gate for compressed language models.", rich_markup_mode=None)
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
REPORTS = ("gate.json", "gate.html")
# What stands behind the model comes as it was typed, `--` included.
VERBATIM = {**PASS_ON, "allow_interspersed_args": False}


def main() -> None:
    """Run the command; trouble is one line on stderr: exit code 4 for what a person can put right, 7 for what failed around us."""
    try:
        app()
    except UnicompError as error:
        typer.echo(str(error), err=True)
        sys.exit(7 if isinstance(error, InfrastructureError) else 4)


def pytest_arguments(arguments: Iterable[str]) -> list[str]:
    """Turn `--limit 20` or `--limit=20` into `--unicomp-limit=20`; what follows `--` goes to pytest as it is.

    Raises UsageProblem for an option that is neither ours nor behind `--`, and for one without its value.
    """
    known = {flag(option.name).removeprefix("--unicomp-"): flag(option.name) for option in options()} | {"config": "--unicomp-config"}
    switches = {flag(option.name) for option in options() if option.metadata["switch"]}
    given = list(arguments)
    result: list[str] = []
    while given:
        word = given.pop(0)
        if word == "--":
            return result + given
        name, equals, value = word.removeprefix("--").removeprefix("unicomp-").partition("=")
        if not word.startswith("--") or name not in known:
            raise UsageProblem(
                f"unicomp: {word!r} is not an option of gate.{nearest(name, known)} What is meant for pytest goes behind `--`."
            )
        if known[name] in switches:
            if equals:
                raise UsageProblem(f"unicomp: --{name} takes no value.")
            result.append(known[name])
            continue
        if not equals and not given:
            raise UsageProblem(f"unicomp: --{name} needs a value.")
        result.append(f"{known[name]}={value if equals else given.pop(0)}")
    return result


def reported(arguments: list[str], folder: Path) -> list[str]:
    """Put reports in `folder` before pytest's arguments, unless they or the configuration file name one, or nothing can be written there."""
    from pytest_unicomp.options import configuration

    flags = [argument.partition("=")[::2] for argument in arguments]
    named = next((Path(value) for name, value in flags if name == "--unicomp-config"), None)
    if "--unicomp-report" in dict(flags) or "report" in configuration(named, (folder,))[0]:
        return arguments
    if not os.access(folder, os.W_OK):
        typer.echo(f"unicomp: {folder} cannot be written, so there is no report; name one with --report.", err=True)
        return arguments
    return [f"--unicomp-report={name}" for name in REPORTS] + arguments


def option_lines() -> str:
    """Return the options as help text, one paragraph each."""
    lines = []
    for option in options():
        if option.name != "model":
            default = default_of(option)
            shown = ", ".join(default) if isinstance(default, tuple) else default
            lines.append(
                f"--{flag(option.name).removeprefix('--unicomp-')}: {option.metadata['help']}" + (f" (default {shown})" if shown else "")
            )
    return "\n\n".join([*lines, "-- ARGUMENTS: passed on to pytest, for example `-- -k reasoning -n 2`"])


@app.command(context_settings=VERBATIM, epilog=option_lines())
def gate(context: typer.Context, model: Annotated[str, typer.Argument(help="hub id, folder, or `nano`")]) -> None:
    """Run the packaged suites on MODEL; without --report, the report is gate.json and gate.html in this folder.

    Example: unicomp gate nano --recipe gptq-w4a16 --report out/gate.html
    """
    import subprocess

    from pytest_unicomp.plugin import suites

    here = Path.cwd()
    arguments = reported(pytest_arguments(context.args), here)
    # pytest's settings and conftest files of whatever project lies around must not change a verdict.
    alone = ["-c", os.devnull, f"--rootdir={here}", f"--confcutdir={suites()}"]
    # A process of its own, so that pytest meets the plugin before anyone has imported it.
    command = [sys.executable, "-m", "pytest", str(suites()), *alone, f"--unicomp-model={model}", *arguments]
    raise typer.Exit(subprocess.run(command, check=False).returncode)


@app.command()
def methods(as_json: Annotated[bool, typer.Option("--json", help="a list of objects")] = False) -> None:
    """List the recipes, those of the configuration file in this folder too, and the architectures they take; `--json` says why not.

    Example: unicomp methods --json
    """
    from pytest_unicomp import recipes
    from pytest_unicomp.methods.architectures import ARCHITECTURES, support
    from pytest_unicomp.options import configuration
    from pytest_unicomp.registry import missing_libraries

    file, _ = configuration(None, (Path.cwd(),))
    rows = []
    for name, entry in recipes.table(file.get("recipes", {})).items():
        missing = missing_libraries(entry.requires)
        taken = support(entry)
        refused = [architecture for architecture, reason in taken.items() if reason]
        rows.append(
            {
                "recipe": name,
                "family": entry.family,
                "method": entry.method,
                "settings": entry.settings(),
                "calibrated": entry.calibrated,
                "requires": list(entry.requires),
                "available": not missing,
                "reason": f"not installed: {', '.join(missing)}" if missing else None,
                "architectures": taken,
                "takes": f"all but {', '.join(refused)}" if refused else "all",
            }
        )
    _show(rows, as_json, ("recipe", "family", "method", "available", "takes"))
    if not as_json:
        typer.echo(f"Architectures asked about: {', '.join(ARCHITECTURES)}. Why one is not taken: `unicomp methods --json`.")


@app.command()
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


@app.command()
def score(
    source: Annotated[Path | None, typer.Argument(metavar="REPORT", help="JSON report of a run")] = None,
    published: Annotated[bool, typer.Option("--published", help="the scores of the paper's own tables")] = False,
    model: Annotated[str, typer.Option(help="a model of the paper: LLaMA-3.1-8B or Qwen2.5-7B")] = "LLaMA-3.1-8B",
    scoring: Annotated[str, typer.Option(help="paper: as printed; corrected: from raw cells, errata repaired")] = "corrected",
    as_json: Annotated[bool, typer.Option("--json", help="one object: row label to scores")] = False,
) -> None:
    """Print the thirteen scores of UniComp, of a run's report or of the paper. Examples: unicomp score gate.json;
    unicomp score --published --model Qwen2.5-7B --scoring paper --json"""
    from pytest_unicomp import scores

    if published == (source is not None):
        raise UsageProblem("unicomp: score needs a JSON report, or --published for the scores of the paper's tables; one of the two.")
    if source is not None:
        _run_scores(source, as_json)
        return
    if scoring not in ("paper", "corrected"):
        raise UsageProblem(f"unicomp: --scoring is {scoring!r}; expected paper or corrected.{nearest(scoring, ('paper', 'corrected'))}")
    found = scores.published(model, "paper" if scoring == "paper" else "corrected")
    if as_json:
        typer.echo(json.dumps(found, indent=1, ensure_ascii=False))
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
    from pytest_unicomp.scores import SCORES

    answer = read(source)
    rows = {recipe.recipe: recipe for recipe in answer.recipes}
    if as_json:
        shown = {
            name: {
                score: {"value": row.scores.get(score), "interval": row.score_intervals.get(score), "basis": row.score_basis.get(score)}
                for score in SCORES
            }
            for name, row in rows.items()
        }
        typer.echo(json.dumps(shown, indent=1, ensure_ascii=False))
        return
    for name, row in rows.items():
        for score in SCORES:
            value, interval = row.scores.get(score), row.score_intervals.get(score)
            if value is not None:
                spread = f"[{interval[0]:.1f}, {interval[1]:.1f}]" if interval else "(no interval)"
                basis = row.score_basis.get(score, "the run's recipes as pool")
                typer.echo(f"{name:20} {score:7} {value:7.2f} {spread:18} {basis}")


@app.command()
def benchmarks(as_json: Annotated[bool, typer.Option("--json", help="a list of objects")] = False) -> None:
    """List the benchmarks. Example: unicomp benchmarks"""
    from pytest_unicomp.registry import benchmarks as table

    names = ("dimension", "capability", "dataset", "shots", "metric", "higher_is_better", "source")
    # What an entry need not say: null means that it has none, or that it is known after the run.
    further = ("items", "scorer", "judge", "chance")
    rows = [
        {
            "benchmark": name,
            **{field: getattr(entry, field) for field in names},
            **{field: getattr(entry, field, None) for field in further},
            "sets": list(entry.sets),
        }
        for name, entry in table().items()
    ]
    _show(rows, as_json, ("benchmark", "dimension", "capability", "metric", "dataset"))


@app.command(context_settings=PASS_ON)
def plan(
    context: typer.Context,
    model: str,
    as_json: Annotated[bool, typer.Option("--json", help="a list of objects")] = False,
    discordance: Annotated[float | None, typer.Option(help="share of items scored differently; default: from stored evidence")] = None,
    drop: Annotated[float | None, typer.Option(help="true loss to be caught; default: twice the margin")] = None,
) -> None:
    """List the cells that a gate would measure, what it could see, and what its margin costs; starts nothing.

    Example: unicomp plan nano --recipe wanda-50
    """
    from pytest_unicomp import power
    from pytest_unicomp.options import configuration, resolve
    from pytest_unicomp.run import Run

    given = [argument.removeprefix("--unicomp-").partition("=")[::2] for argument in pytest_arguments(context.args)]
    named = next((Path(value) for name, value in given if name == "config"), None)
    file, origin = configuration(named, (Path.cwd(),))
    repeatable = {option.name for option in options() if option.metadata["repeatable"]}
    flags: dict[str, Any] = {"model": model}
    for name, value in given:
        if name == "config":
            continue
        key = name.replace("-", "_")
        flags[key] = [*flags.get(key, []), value] if key in repeatable else value or True
    settings: Settings = resolve(flags, file, origin=origin)
    for name, given_share in (("--discordance", discordance), ("--drop", drop)):
        if given_share is not None and not 0 < given_share < 1:
            raise UsageProblem(f"unicomp: {name} is {given_share}; expected a share above 0 and below 1, such as 0.05.")
    run = Run(settings)
    rows = power.rows(run.plan.cells, run.baselines, run.plan.model, run.policy, limit=settings.limit, discordance=discordance, drop=drop)
    _show(rows, as_json, ("recipe", "gates", "benchmark", "dimension", "capability", *power.SHOWN))
    if not as_json:
        typer.echo("\n".join(power.summary(rows)))


@app.command()
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
    from pytest_unicomp import comparison
    from pytest_unicomp.item_files import Choice

    choice = Choice(metric=metric, filter=filter_, cluster=cluster)
    check = comparison.compare_files(
        reference, candidate, margin=margin, alpha=alpha, choice=choice, lower_is_better=lower_is_better, chance=chance
    )
    typer.echo(json.dumps(check.model_dump(mode="json"), indent=1, ensure_ascii=False) if as_json else "\n".join(comparison.lines(check)))
    raise typer.Exit(comparison.exit_code(check))


@app.command()
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
    from pytest_unicomp import selftest as own

    rows = own.rows(evidence, margin=margin, alpha=alpha, seed=seed)
    typer.echo(json.dumps(rows, indent=1) if as_json else "\n".join(own.lines(rows)))
    raise typer.Exit(0 if own.sound(rows) else 1)


@app.command()
def check_artifact(
    folder: Annotated[str, typer.Argument(help="checkpoint folder to check; compressed-tensors, AutoAWQ, GPTQ or dense")],
    against: Annotated[str, typer.Option(help="the model it was made from: folder, hub id or `nano`")],
    as_json: Annotated[bool, typer.Option("--json", help="a list of objects")] = False,
) -> None:
    """Check a checkpoint's files against its base, without loading either: complete, safe, finite, as declared. Exit code 1 where a check fails.

    Example: unicomp check-artifact out/w4a16 --against Qwen/Qwen2.5-7B-Instruct
    """
    from pytest_unicomp import artifact_checks, checkpoints

    found = checkpoints.local(folder, None)
    if found is None or not (found / "config.json").is_file():
        raise UsageProblem(f"unicomp: {folder} holds no config.json; give the folder that save_pretrained wrote.")
    findings = artifact_checks.inspect(found, checkpoints.resolve(against, None))
    rows = [finding.model_dump(mode="json") for finding in findings]
    _show(rows, as_json, ("status", "check", "found"))
    for finding in findings:
        if finding.status == "fail" and not as_json:
            typer.echo(f"{finding.check}: expected {finding.expected}; {finding.action}.")
    raise typer.Exit(1 if any(finding.status == "fail" for finding in findings) else 0)


@app.command()
def prefetch(
    bundle: Annotated[Path, typer.Option(help="folder to fill; give it to a run as --unicomp-bundle")],
    benchmark: Annotated[list[str] | None, typer.Option(help="names or sets, comma list, repeatable")] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="hub ids, comma list, repeatable; sentence-embedding models and judges too")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="fetch nothing: compare the files with the manifest")] = False,
) -> None:
    """Fetch what runs need into an offline bundle, with checksums. Example: unicomp prefetch --benchmark paper --model Qwen/Qwen2.5-7B-Instruct --bundle b"""
    from pytest_unicomp import prefetch as offline

    if check:
        problems = offline.check(bundle)
        typer.echo("\n".join(problems) if problems else f"unicomp: every file in {bundle} is the one that was fetched")
        raise typer.Exit(1 if problems else 0)
    names = [name.strip() for given in benchmark or [] for name in given.split(",") if name.strip()]
    models = [name.strip() for given in model or [] for name in given.split(",") if name.strip()]
    if not names and not models:
        raise UsageProblem("unicomp: prefetch needs --benchmark or --model: nothing to fetch.")
    count = offline.prefetch(offline.pieces(names, models), bundle, progress=lambda line: typer.echo(f"unicomp: {line}"))
    typer.echo(f"unicomp: {bundle} holds {count} files; give it to a run as --unicomp-bundle={bundle}")


@app.command()
def report(
    source: Path, output: Annotated[list[Path], typer.Option("--output", "-o", help="file with suffix .html, .md or .json")]
) -> None:
    """Make a page from a JSON report. Example: unicomp report gate.json -o gate.html"""
    from pytest_unicomp import report as reports
    from pytest_unicomp.report.json import read

    for path in output:
        reports.validate(path)
    answer = read(source)
    for path in output:
        reports.write(answer, path)
        typer.echo(f"unicomp: wrote {path}")


def _show(rows: list[dict[str, Any]], as_json: bool, columns: tuple[str, ...]) -> None:
    if as_json:
        typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    widths = {column: max(len(column), *(len(_cell(row, column)) for row in rows)) for column in columns}
    typer.echo("  ".join(column.ljust(widths[column]) for column in columns))
    for row in rows:
        typer.echo("  ".join(_cell(row, column).ljust(widths[column]) for column in columns).rstrip())


def _cell(row: Mapping[str, Any], column: str) -> str:
    value = row[column]
    if isinstance(value, float):
        return f"{value:.3g}"
    return "-" if value is None else str(value)
