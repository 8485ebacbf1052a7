"""Reads and writes baselines, `baselines/<model>/<recipe>/<benchmark>.json`: measurements with per-item scores, small enough to commit.

Each carries a digest of its content and place, so that what was edited, or copied from another recipe, is not used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pytest_unicomp.api.errors import InfrastructureError, one_line
from pytest_unicomp.api.foreign import LARGEST_REPORT, ForeignFile, read_object
from pytest_unicomp.api.records import Measurement
from pytest_unicomp.store.local import write_text
from pytest_unicomp.store.seal import Damaged, digest

SCHEMA = "unicomp-baseline/1"
ANSWER_CHARACTERS = 160
LONGEST_INTEGER = 18
COLUMNS = ("id", "score", "prompt_digest", "answer")
OPTIONAL_COLUMNS = ("cluster", "log_probabilities", "said", "slice")


def packaged() -> Path:
    """Return the folder of the packaged baselines: inside the wheel, or next to the package in a checkout."""
    inside = Path(__file__).parent.parent / "baselines"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "baselines"


def _shorten(text: str) -> str:
    """Cut a long answer and append a digest of the whole, so that different answers stay different."""
    if len(text) <= ANSWER_CHARACTERS:
        return text
    return f"{text[:ANSWER_CHARACTERS]}…{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def condense(measurement: Measurement) -> Measurement:
    """Return a measurement as a baseline stores it: prompt digests without prompts, no targets, shortened answers, log-probabilities to 3 decimals."""
    items = [
        item.model_copy(
            update={
                "prompt": "",
                "answer": _shorten(item.answer),
                "target": "",
                "top_tokens": None,
                "log_probabilities": None if item.log_probabilities is None else [round(value, 3) for value in item.log_probabilities],
            }
        )
        for item in measurement.items
    ]
    return measurement.model_copy(update={"items": items})


def same_evidence(first: Measurement, second: Measurement) -> bool:
    """Return True if two condensed measurements have the same scores and answers on the same items under the same conditions."""
    if first.conditions != second.conditions or len(first.items) != len(second.items):
        return False
    return all(
        (one.id, one.prompt_digest, one.score, one.answer) == (two.id, two.prompt_digest, two.score, two.answer)
        for one, two in zip(first.items, second.items, strict=True)
    )


def _folder_name(name: str) -> str:
    """Return a folder name for a model or recipe: a hub id keeps both parts, a path its last part."""
    if name.startswith((".", "/", "~")):
        name = Path(name).name
    return name.replace("/", "--").replace(":", "--")


def _file_name(benchmark: str) -> str:
    """Return a file name for a benchmark; that of a task in a file of one's own is a path."""
    return benchmark.replace("/", "--").replace(":", "--")


@dataclass(frozen=True)
class Baselines:
    """Baselines in `folder`, which is written and read first, and in `fallback`, which is only read."""

    folder: Path
    fallback: Path

    def path(self, model: str, recipe: str, benchmark: str) -> Path:
        """Return the path to which a baseline is written."""
        return self.folder / _folder_name(model) / _folder_name(recipe) / f"{_file_name(benchmark)}.json"

    def files(self, model: str) -> list[Path]:
        """Return the baseline files of a model in `folder`, sorted."""
        return sorted((self.folder / _folder_name(model)).glob("*/*.json"))

    def find(self, model: str, recipe: str, benchmark: str) -> Path | None:
        """Return the file that holds a baseline, or None."""
        for root in (self.folder, self.fallback):
            path = Baselines(root, root).path(model, recipe, benchmark)
            if path.is_file():
                return path
        return None

    def read(self, model: str, recipe: str, benchmark: str) -> Measurement | None:
        """Return the stored measurement, or None; raise InfrastructureError for a file that is not a baseline or was edited."""
        path = self.find(model, recipe, benchmark)
        if path is None:
            return None
        try:
            document = read_object(path, LARGEST_REPORT, digits=LONGEST_INTEGER)
            if document.get("schema") != SCHEMA:
                raise ValueError(f"its schema is {document.get('schema')!r}, expected {SCHEMA!r}")
            columns: dict[str, list[Any]] = document["items"]
            items = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
            found = Measurement.model_validate({**document["measurement"], "items": items})
            _require_unedited(path, document)
            return found
        except Damaged as damage:
            raise InfrastructureError(
                f"unicomp: the baseline {path} is not used: {damage}. Restore it from version control, or write it anew with --unicomp-update=all."
            ) from damage
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError, ForeignFile) as error:
            what = one_line(f"it {error.found}" if isinstance(error, ForeignFile) else error, longest=200)
            raise InfrastructureError(
                f"unicomp: {path} is not a baseline: {what}. Restore it, or rewrite it with --unicomp-update=all."
            ) from error

    def write(self, model: str, recipe: str, measurement: Measurement) -> Path:
        """Write the condensed measurement, one line per field of its items, and return the path."""
        short = condense(measurement)
        columns = {column: [getattr(item, column) for item in short.items] for column in (*COLUMNS, *OPTIONAL_COLUMNS)}
        kept = {column: values for column, values in columns.items() if column in COLUMNS or any(value is not None for value in values)}
        head = short.model_dump(mode="json", exclude={"items"})
        texts = {column: _compact(values) for column, values in kept.items()}
        lines = ",\n".join(f'  "{column}": {text}' for column, text in texts.items())
        path, stated = self.path(model, recipe, measurement.benchmark), _compact(head)
        # Of what a reader gets from the text: whole numbers come back as integers.
        found = _digest(path, json.loads(stated), {column: json.loads(text) for column, text in texts.items()})
        write_text(path, f'{{"schema": "{SCHEMA}",\n "digest": "{found}",\n "measurement": {stated},\n "items": {{\n{lines}\n }}\n}}\n')
        return path


@dataclass(frozen=True)
class BaselinesReadOnce(Baselines):
    """Baselines of which each is read once, for a plan that asks for the same ones again and again; what cannot be read counts as missing."""

    known: dict[tuple[str, str, str], Measurement | None] = field(default_factory=dict, compare=False)
    unread: dict[str, None] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, baselines: Baselines) -> BaselinesReadOnce:
        """Return the same baselines, none of them read yet."""
        return cls(baselines.folder, baselines.fallback)

    @property
    def notes(self) -> list[str]:
        """Return one line on the baselines that cannot be read, without the project's name; none if all can."""
        if not self.unread:
            return []
        first, others = next(iter(self.unread)), len(self.unread) - 1
        more = f" ({others} more of the same kind)" if others else ""
        return [f"the forecast does without a stored baseline: {first.removeprefix('unicomp: ')}{more}"]

    def read(self, model: str, recipe: str, benchmark: str) -> Measurement | None:
        """Return the stored measurement, or None if there is none that can be read; `unread` holds a sentence on each that cannot."""
        key = (model, recipe, benchmark)
        if key not in self.known:
            try:
                self.known[key] = super().read(*key)
            except InfrastructureError as error:
                self.known[key] = None
                self.unread[str(error)] = None
        return self.known[key]


def _require_unedited(path: Path, document: Mapping[str, Any]) -> None:
    if "digest" not in document:
        raise Damaged("it carries no digest of its content")
    if document["digest"] != _digest(path, document["measurement"], document["items"]):
        raise Damaged("its content differs from its digest, so it was edited or belongs to another model, recipe or benchmark")


def _digest(path: Path, head: Any, columns: Any) -> str:
    place = {"model": path.parent.parent.name, "recipe": path.parent.name, "benchmark": path.stem}
    return digest({"schema": SCHEMA, **place, "measurement": head, "items": columns})


def _compact(value: Any) -> str:
    if isinstance(value, list):
        value = [int(entry) if isinstance(entry, float) and entry.is_integer() else entry for entry in value]
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
