"""`unicomp cache`: commands that list, check and empty the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.cli.output import Json, show
from pytest_unicomp.cli.store_option import Cache, open_store

if TYPE_CHECKING:
    from pytest_unicomp.cli.commands.cache_admin import Entry
    from pytest_unicomp.store.local import Store


def list_entries(cache: Cache = None, as_json: Json = False) -> None:
    """List the entries of the store with size and age. Example: unicomp cache list --json"""
    from pytest_unicomp.cli.commands import cache_admin

    store = open_store(cache)
    rows = [entry.row() for entry in cache_admin.entries(store)]
    show(rows, as_json, ("kind", "key", "bytes", "age_days", "model", "what"))
    if not as_json:
        typer.echo(f"unicomp: {len(rows)} entries, {sum(row['bytes'] for row in rows) / 1e6:.1f} MB, in {store.root}")


def size(cache: Cache = None, as_json: Json = False) -> None:
    """Show how much space each kind of entry takes. Example: unicomp cache size"""
    from pytest_unicomp.cli.commands import cache_admin

    kinds: dict[str, dict[str, Any]] = {}
    for entry in cache_admin.entries(open_store(cache)):
        row = kinds.setdefault(entry.kind, {"kind": entry.kind, "entries": 0, "bytes": 0})
        row["entries"], row["bytes"] = row["entries"] + 1, row["bytes"] + entry.bytes
    total = {
        "kind": "total",
        "entries": sum(row["entries"] for row in kinds.values()),
        "bytes": sum(row["bytes"] for row in kinds.values()),
    }
    show([*kinds.values(), total], as_json, ("kind", "entries", "bytes"))


def verify(cache: Cache = None, as_json: Json = False) -> None:
    """Check that no entry has changed since it was written.

    Reads every file of the store. Exit code 1 if an entry is damaged. Example: unicomp cache verify
    """
    from pytest_unicomp.cli.commands import cache_admin

    found = [{**entry.row(), "problem": problem} for entry, problem in cache_admin.problems(open_store(cache))]
    show(found, as_json, ("kind", "key", "problem", "path"))
    raise typer.Exit(1 if found else 0)


def prune(
    older_than: Annotated[float | None, typer.Option(help="remove what was last used more than this many days ago")] = None,
    keep: Annotated[
        str | None, typer.Option(help="then remove the longest unused entries until no more than this is left, such as 20GB")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would be removed, and remove nothing")] = False,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Remove old entries from the store.

    Entries that were used within the last hour, or are being made, are kept. Example: unicomp cache prune --older-than 30 --keep 50GB
    """
    from pytest_unicomp.cli.commands import cache_admin

    if older_than is None and keep is None:
        raise UsageProblem("unicomp: cache prune has nothing to go by; expected --older-than DAYS, --keep SIZE such as 20GB, or both.")
    if older_than is not None and not 0 <= older_than < float("inf"):
        raise UsageProblem(f"unicomp: --older-than is {older_than}; expected a number of days of at least 0.")
    store = open_store(cache)
    most = None if keep is None else cache_admin.parse_size(keep)
    wanted = cache_admin.to_remove(cache_admin.entries(store), older_than=older_than, keep_bytes=most, now=time.time())
    _remove(store, wanted, dry_run, as_json)


def clear(
    model: Annotated[str, typer.Argument(help="the model, under the name that runs gave it")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would be removed, and remove nothing")] = False,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Remove the entries of one model from the store.

    Entries that do not record their model are kept. Example: unicomp cache clear Qwen/Qwen2.5-7B-Instruct
    """
    from pytest_unicomp.cli.commands import cache_admin

    store = open_store(cache)
    listed = cache_admin.entries(store)
    known = sorted({entry.model for entry in listed if entry.model})
    if model not in known:
        raise UsageProblem(f"unicomp: the store {store.root} holds nothing of {model!r}.{nearest(model, known)}")
    _remove(store, [entry for entry in listed if entry.model == model], dry_run, as_json)


def _remove(store: Store, wanted: Sequence[Entry], dry_run: bool, as_json: bool) -> None:
    from pytest_unicomp.cli.commands import cache_admin

    removed, held = (wanted, []) if dry_run else cache_admin.remove(store, wanted)
    word = "would be removed" if dry_run else "removed"
    rows = [{**entry.row(), "state": word} for entry in removed] + [{**entry.row(), "state": "in use"} for entry in held]
    show(rows, as_json, ("state", "kind", "key", "bytes", "age_days", "model", "what"))
    if not as_json:
        typer.echo(f"unicomp: {len(removed)} entries, {sum(entry.bytes for entry in removed) / 1e6:.1f} MB {word}; {len(held)} in use")


COMMANDS: Final[Mapping[str, Callable[..., None]]] = {"list": list_entries, "size": size, "verify": verify, "prune": prune, "clear": clear}
