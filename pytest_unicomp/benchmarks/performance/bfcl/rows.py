"""Reads BFCL's files: questions with their functions, and possible answers, in a bundle or on the hub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_unicomp.api.errors import MissingPiece, UsageProblem
from pytest_unicomp.api.foreign import MEBIBYTE, json_value, read_text
from pytest_unicomp.benchmarks.performance.bfcl.matching import Answer, Function
from pytest_unicomp.checkpoints.hub_errors import explained

DATASET: Final = "gorilla-llm/Berkeley-Function-Calling-Leaderboard"
LARGEST: Final = 256 * MEBIBYTE


@dataclass(frozen=True)
class Row:
    """One item: the `text` of the request, the functions that may be called, and the possible answers, one for each call (none: no call is right)."""

    id: str
    text: str
    functions: tuple[Function, ...]
    answers: tuple[Answer, ...]


def names(category: str, *, answered: bool) -> tuple[str, ...]:
    """Return the files of a category, relative to the data set: questions, and possible answers if it has any."""
    questions = f"BFCL_v3_{category}.json"
    return (questions, f"possible_answer/{questions}") if answered else (questions,)


def require(files: tuple[str, ...], bundle: Path | None) -> None:
    """Raise MissingPiece that names the first file that the bundle lacks; without a bundle nothing is checked."""
    for file in files if bundle is not None else ():
        if bundle is not None and not (bundle / DATASET / file).is_file():
            raise MissingPiece(f"{DATASET}, {file}", where=str(bundle / DATASET / file))


def rows(files: tuple[str, ...], bundle: Path | None) -> Iterator[Row]:
    """Yield the rows of a category's files; raise UsageProblem, with file and line, for the first that is none of BFCL's."""
    questions, *answers = files
    known: dict[str, tuple[Answer, ...]] = {}
    for place, row in _lines(answers[0], bundle) if answers else ():
        known[_text(row, "id", place)] = _answers(row, place)
    for place, row in _lines(questions, bundle):
        one = _text(row, "id", place)
        if answers and one not in known:
            raise UsageProblem(f"unicomp: {place}: {one} has no line in {answers[0]}; expected its possible answers there.")
        yield Row(one, _request(row, place), _functions(row, place), known.get(one, ()))


def _lines(file: str, bundle: Path | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    path = _fetched(file) if bundle is None else bundle / DATASET / file
    # Not splitlines: JSON may hold other line ends of Unicode as they are.
    for number, line in enumerate(read_text(path, LARGEST).split("\n"), start=1):
        if line.strip():
            value = json_value(line, f"{path}:{number}:")
            if not isinstance(value, Mapping):
                raise UsageProblem(f"unicomp: {path}:{number}: holds {type(value).__name__}; expected an object, as in BFCL's files.")
            yield f"{path}:{number}", value


def _fetched(file: str) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(DATASET, file, repo_type="dataset"))
    # Whatever the client raises: the chain of causes says which it is.
    except Exception as error:
        raise explained(f"{file} of the data set {DATASET}", error) from error


def _text(row: Mapping[str, Any], field: str, place: str) -> str:
    if not isinstance(row.get(field), str) or not row[field]:
        raise UsageProblem(f"unicomp: {place}: {field} is {str(row.get(field))[:60]!r}; expected a text.")
    return str(row[field])


def _request(row: Mapping[str, Any], place: str) -> str:
    turns = row.get("question")
    messages = turns[0] if isinstance(turns, list) and turns and isinstance(turns[0], list) else []
    texts = [one["content"] for one in messages if isinstance(one, Mapping) and isinstance(one.get("content"), str)]
    if not texts:
        raise UsageProblem(f'unicomp: {place}: question holds no message; expected [[{{"role": "user", "content": "..."}}]].')
    return "\n\n".join(texts)


def _functions(row: Mapping[str, Any], place: str) -> tuple[Function, ...]:
    found = row.get("function")
    if not isinstance(found, list) or not all(_is_function(one) for one in found):
        raise UsageProblem(f"unicomp: {place}: function is {str(found)[:60]!r}; expected a list of functions with name and parameters.")
    return tuple(found)


def _is_function(one: Any) -> bool:
    parameters = one.get("parameters") if isinstance(one, Mapping) and isinstance(one.get("name"), str) else None
    described = parameters.get("properties", {}) if isinstance(parameters, Mapping) else None
    return isinstance(described, Mapping) and all(
        isinstance(part, Mapping) and isinstance(part.get("items", {}), Mapping) for part in described.values()
    )


def _answers(row: Mapping[str, Any], place: str) -> tuple[Answer, ...]:
    found = row.get("ground_truth")
    if not isinstance(found, list) or not found or not all(_is_answer(one) for one in found):
        raise UsageProblem(
            f'unicomp: {place}: ground_truth is {str(found)[:60]!r}; expected a list such as [{{"name": {{"argument": ["value"]}}}}].'
        )
    return tuple(found)


def _is_answer(one: Any) -> bool:
    return (
        isinstance(one, Mapping)
        and len(one) == 1
        and all(isinstance(allowed, Mapping) and all(isinstance(values, list) for values in allowed.values()) for allowed in one.values())
    )
