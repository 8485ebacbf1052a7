"""`unicomp doctor`, `unicomp cache` and `unicomp baselines`: this machine, and what is stored on it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.cli.output import show

AS_JSON = typer.Option("--json", help="a list of objects")
Json = Annotated[bool, AS_JSON]
Cache = Annotated[str | None, typer.Option(help="the store: folder or fsspec address; default the user's cache folder")]
Folder = Annotated[
    Path | None, typer.Option(help="folder of stored evidence; default ./baselines, or where there is none the packaged one")
]


def doctor(
    cache: Cache = None,
    ask_hub: Annotated[bool, typer.Option("--ask-hub", help="ask the model hub whether it answers; else nothing is contacted")] = False,
    as_json: Json = False,
) -> None:
    """Say what this machine can run (devices, kernels, libraries, recipes, hub, disk) and what to do for the rest. Exit code 1 where something is broken.

    Example: unicomp doctor --json
    """
    from pytest_unicomp.cli.commands import doctor as looking
    from pytest_unicomp.methods.configured import here

    found = looking.findings(_store(cache), here(), ask_hub=ask_hub)
    show([finding.row() for finding in found], as_json, ("about", "what", "state", "found", "action"))
    raise typer.Exit(1 if any(finding.state == "broken" for finding in found) else 0)


def cache_list(cache: Cache = None, as_json: Json = False) -> None:
    """List what lies in the store, with size and age. Example: unicomp cache list --json"""
    from pytest_unicomp.cli.commands import cache_admin

    store = _store(cache)
    rows = [entry.row() for entry in cache_admin.entries(store)]
    show(rows, as_json, ("kind", "key", "bytes", "age_days", "model", "what"))
    if not as_json:
        typer.echo(f"unicomp: {len(rows)} entries, {sum(row['bytes'] for row in rows) / 1e6:.1f} MB, in {store.root}")


def cache_size(cache: Cache = None, as_json: Json = False) -> None:
    """Add up what lies in the store by kind. Example: unicomp cache size"""
    from pytest_unicomp.cli.commands import cache_admin

    kinds: dict[str, dict[str, Any]] = {}
    for entry in cache_admin.entries(_store(cache)):
        row = kinds.setdefault(entry.kind, {"kind": entry.kind, "entries": 0, "bytes": 0})
        row["entries"], row["bytes"] = row["entries"] + 1, row["bytes"] + entry.bytes
    total = {
        "kind": "total",
        "entries": sum(row["entries"] for row in kinds.values()),
        "bytes": sum(row["bytes"] for row in kinds.values()),
    }
    show([*kinds.values(), total], as_json, ("kind", "entries", "bytes"))


def cache_verify(cache: Cache = None, as_json: Json = False) -> None:
    """Read everything in the store and compare it with what was written; exit code 1 where something is not that. Example: unicomp cache verify"""
    from pytest_unicomp.cli.commands import cache_admin

    found = [{**entry.row(), "problem": problem} for entry, problem in cache_admin.problems(_store(cache))]
    show(found, as_json, ("kind", "key", "problem", "path"))
    raise typer.Exit(1 if found else 0)


def cache_prune(
    older_than: Annotated[float | None, typer.Option(help="take away what was last used more days ago than this")] = None,
    keep: Annotated[
        str | None, typer.Option(help="then take away what was longest unused until no more is left than this, such as 20GB")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would go, and take nothing away")] = False,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Take old things out of the store; what was used within the hour, or is being made, stays. Example: unicomp cache prune --older-than 30 --keep 50GB"""
    from pytest_unicomp.cli.commands import cache_admin

    if older_than is None and keep is None:
        raise UsageProblem("unicomp: cache prune needs --older-than DAYS, or --keep SIZE such as 20GB, or both.")
    if older_than is not None and not 0 <= older_than < float("inf"):
        raise UsageProblem(f"unicomp: --older-than is {older_than}; expected a number of days of at least 0.")
    store = _store(cache)
    most = None if keep is None else cache_admin.size(keep)
    wanted = cache_admin.chosen(cache_admin.entries(store), older_than=older_than, keep_bytes=most, now=time.time())
    _remove(store, wanted, dry_run, as_json)


def cache_clear(
    model: Annotated[str, typer.Argument(help="the model, as runs named it")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would go, and take nothing away")] = False,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Take everything of one model out of the store that says whose it is. Example: unicomp cache clear Qwen/Qwen2.5-7B-Instruct"""
    from pytest_unicomp.cli.commands import cache_admin

    store = _store(cache)
    listed = cache_admin.entries(store)
    known = sorted({entry.model for entry in listed if entry.model})
    if model not in known:
        raise UsageProblem(f"unicomp: the store {store.root} holds nothing of {model!r}.{nearest(model, known)}")
    _remove(store, [entry for entry in listed if entry.model == model], dry_run, as_json)


def _remove(store: Any, wanted: Any, dry_run: bool, as_json: bool) -> None:
    from pytest_unicomp.cli.commands import cache_admin

    gone, held = (wanted, []) if dry_run else cache_admin.remove(store, wanted)
    word = "would go" if dry_run else "gone"
    rows = [{**entry.row(), "state": word} for entry in gone] + [{**entry.row(), "state": "in use"} for entry in held]
    show(rows, as_json, ("state", "kind", "key", "bytes", "age_days", "model", "what"))
    if not as_json:
        typer.echo(f"unicomp: {len(gone)} entries, {sum(entry.bytes for entry in gone) / 1e6:.1f} MB {word}; {len(held)} in use")


def baselines_list(
    model: Annotated[str | None, typer.Option(help="of this model alone")] = None, baselines: Folder = None, as_json: Json = False
) -> None:
    """List the stored evidence that drift is measured against. Example: unicomp baselines list --model nano"""
    from pytest_unicomp.cli.commands import baseline_admin

    rows = [vars(found) for found in baseline_admin.listed(_baselines(baselines), model=model)]
    show(rows, as_json, ("model", "recipe", "benchmark", "n", "metric", "value", "stderr", "created"))


def baselines_show(model: str, recipe: str, benchmark: str, baselines: Folder = None) -> None:
    """Show one baseline as JSON, everything but its items. Example: unicomp baselines show nano wanda-50 nano-reasoning"""
    from pytest_unicomp.cli.commands import baseline_admin

    typer.echo(json.dumps(baseline_admin.shown(_baselines(baselines), model, recipe, benchmark), indent=1, ensure_ascii=False))


def baselines_orphans(baselines: Folder = None, as_json: Json = False) -> None:
    """List baselines whose benchmark or recipe does not exist (any more). Example: unicomp baselines orphans"""
    from pytest_unicomp.cli.commands import baseline_admin
    from pytest_unicomp.methods.configured import here

    rows = [{"path": str(path), "reason": reason} for path, reason in baseline_admin.orphans(_baselines(baselines), here())]
    show(rows, as_json, ("path", "reason"))


def baselines_accept(
    source: Annotated[Path, typer.Argument(metavar="REPORT", help="JSON report of the run whose evidence becomes the baseline")],
    recipe: Annotated[list[str] | None, typer.Option(help="this recipe alone; repeatable")] = None,
    baselines: Annotated[Path, typer.Option(help="folder to write")] = Path("baselines"),
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Write the evidence of a finished run as baselines, where it differs from what is stored. Example: unicomp baselines accept gate.json"""
    from pytest_unicomp.cli.commands import baseline_admin
    from pytest_unicomp.report.json import read
    from pytest_unicomp.store import baselines as stored

    store = stored.Baselines(baselines, baselines)
    written = baseline_admin.accept(read(source), _store(cache), store, only=recipe or ())
    show([found.row() for found in written], as_json, ("recipe", "benchmark", "before", "path"))
    if not as_json:
        typer.echo(f"unicomp: {len(written)} baselines written; review and commit them")


def _store(cache: str | None) -> Any:
    from pytest_unicomp.store.shared import opened

    if cache is not None and Path(cache).is_file():
        raise UsageProblem(f"unicomp: --cache {cache} is a file; expected the folder of a store.")
    return opened(cache)


def _baselines(named: Path | None) -> Path:
    from pytest_unicomp.store.baselines import packaged

    if named is not None and not named.is_dir():
        raise UsageProblem(f"unicomp: --baselines {named} is not a folder; expected one that holds MODEL/RECIPE/BENCHMARK.json.")
    here = Path("baselines")
    return named or (here if here.is_dir() else packaged())
