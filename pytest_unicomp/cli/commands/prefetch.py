"""Downloads models, data sets and nltk's data into an offline bundle; the manifest `unicomp-bundle.json` has each file's sha256 and is written last."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem, one_line
from pytest_unicomp.api.foreign import LARGEST_REPORT, ForeignFile, read_object, require_regular
from pytest_unicomp.api.protocols import ItemBenchmark, Piece, Progress
from pytest_unicomp.benchmarks import configured
from pytest_unicomp.calibration import mixture
from pytest_unicomp.checkpoints import gguf, hub
from pytest_unicomp.checkpoints.hub_access import Repository, ask
from pytest_unicomp.checkpoints.hub_errors import explained
from pytest_unicomp.run.plan import expand
from pytest_unicomp.store.local import write_text

MANIFEST = "unicomp-bundle.json"
SCHEMA = "unicomp-bundle/1"


Fetch = Callable[[Piece, Path], None]


def pieces(names: Iterable[str], models: Iterable[str], texts: Iterable[str] = ()) -> list[Piece]:
    """Return the bundle pieces for benchmarks (`names`, sets allowed), models and calibration `texts`, without duplicates; raise UsageProblem for an unknown name.

    Benchmarks that compare replies by similarity include the default sentence-embedding model; another one, or a judge, must be named as a model.
    """
    names = tuple(names)
    found: list[Piece] = []
    table = configured.here(names)
    for name in expand(names, model="", table=table) if names else ():
        entry = table[name]
        found += entry.pieces() if isinstance(entry, ItemBenchmark) else ()
    for model in models:
        hub.validate(model, None)
        if hub.local(model, None) is None:
            repository, file = gguf.repository(model)
            found.append(Piece("model", repository, hub.FETCHED if file is None else (file,)))
    for text in texts:
        found += mixture.pieces(text)
    return list(dict.fromkeys(found))


def prefetch(wanted: Iterable[Piece], bundle: Path, *, progress: Progress, fetch: Fetch | None = None) -> int:
    """Download every piece into the bundle and return the number of files in it; files that are there already are checked and kept.

    Raises InfrastructureError for a failed download, and for a file that has changed; the manifest then keeps its old state.
    """
    wanted = list(wanted)
    if fetch is None:
        ask(_repository(piece) for piece in wanted if piece.kind != "nltk")
        fetch = from_hub
    for problem in check(bundle) if (bundle / MANIFEST).is_file() else []:
        raise InfrastructureError(f"unicomp: {problem} Remove it and download it again.")
    for piece in wanted:
        progress(f"download {piece.kind} {piece.name}" + (f" {', '.join(piece.files)}" if piece.kind == "dataset" and piece.files else ""))
        fetch(piece, bundle / piece.folder)
    files = {path.relative_to(bundle).as_posix(): digest(path) for path in listed(bundle)}
    write_text(bundle / MANIFEST, json.dumps({"schema": SCHEMA, "sha256": files}, indent=1, sort_keys=True) + "\n")
    return len(files)


def check(bundle: Path) -> list[str]:
    """Return one sentence per file that is missing or has changed since it was downloaded; raise UsageProblem if there is no manifest."""
    path = bundle / MANIFEST
    try:
        known = read_object(path, LARGEST_REPORT)["sha256"]
        stated = {str(name): str(value) for name, value in known.items()}
    except (ForeignFile, KeyError, TypeError, AttributeError) as error:
        raise UsageProblem(f"unicomp: {path} cannot be read ({error}); expected the manifest that `unicomp prefetch` writes.") from error
    found = []
    for name, value in stated.items():
        file = bundle / name
        if not file.is_file():
            found.append(f"{file} is missing.")
        elif digest(file) != value:
            found.append(f"{file} has changed since it was downloaded (its sha256 differs).")
    return found


def listed(bundle: Path) -> list[Path]:
    """Return the bundle's files in the order of their names, without the manifest and the hub client's own files."""
    found = (path for path in bundle.rglob("*") if path.is_file() and ".cache" not in path.relative_to(bundle).parts)
    return sorted(path for path in found if path != bundle / MANIFEST)


def digest(path: Path) -> str:
    """Return the sha256 of a file, 64 hex digits."""
    require_regular(path)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def from_hub(piece: Piece, folder: Path) -> None:
    """Download one piece from the hub, or from nltk's index; raise UnicompError if that fails."""
    if piece.kind == "nltk":
        _from_nltk(piece, folder)
        return
    from huggingface_hub import snapshot_download

    wanted = _repository(piece)
    try:
        snapshot_download(
            wanted.name, repo_type=wanted.kind, revision=wanted.revision, local_dir=folder, allow_patterns=list(piece.files) or None
        )
    # Whatever the client raises: the chain of causes says which it is.
    except Exception as error:
        raise explained(str(wanted), error) from error


def _repository(piece: Piece) -> Repository:
    return hub.repository(piece.name) if piece.kind == "model" else Repository("dataset", piece.name)


def _from_nltk(piece: Piece, folder: Path) -> None:
    import nltk

    try:
        fetched = nltk.download(piece.name, download_dir=str(folder), quiet=True)
    except (OSError, ValueError) as error:
        raise InfrastructureError(f"unicomp: nltk's {piece.name} could not be downloaded: {one_line(error, longest=200)}") from error
    if not fetched:
        raise InfrastructureError(f"unicomp: nltk's {piece.name} could not be downloaded: its index does not answer or does not have it.")
