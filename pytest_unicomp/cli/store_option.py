"""The option `--cache`, which several commands have, and the store that it names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pytest_unicomp.api.errors import UsageProblem

if TYPE_CHECKING:
    from pytest_unicomp.store.local import Store

Cache = Annotated[str | None, typer.Option(help="the store: folder or fsspec address; if not given, the user's cache folder")]


def open_store(cache: str | None) -> Store:
    """Open the store that `--cache` names; raise UsageProblem if it is a file."""
    from pytest_unicomp.store.shared import opened

    if cache is not None and Path(cache).is_file():
        raise UsageProblem(f"unicomp: --cache {cache} is a file; expected the folder of a store.")
    return opened(cache)
