"""Turn `--unicomp-calibration` (a mixture, weights such as `generic=.5,reasoning=.5`, or FILE.jsonl) into the calibration texts of a run."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pytest_unicomp.api.benchmark import Piece
from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.api.paths import typed
from pytest_unicomp.api.protocols import Calibration, ItemText
from pytest_unicomp.api.records import CalibrationText, Model
from pytest_unicomp.api.registry import mixtures
from pytest_unicomp.benchmarks.dataset import digest_of_all
from pytest_unicomp.calibration import amount, drawing, nano
from pytest_unicomp.calibration.jsonl_file import JsonlFile
from pytest_unicomp.calibration.protocol import Fetched, Mixture, Request, Substituted


def parse(specification: str) -> dict[str, float]:
    """Return mixture or file names with their shares (positive, sum 1); weights are relative: `a=2,b=2` is half and half.

    Raises UsageProblem for unknown names (with the nearest), repeated names and weights that are not positive numbers.
    """
    weights: dict[str, float] = {}
    known = tuple(mixtures())
    for part in specification.split(","):
        name, mark, weight = (piece.strip() for piece in part.partition("="))
        if not name.endswith(".jsonl") and name not in known:
            raise UsageProblem(
                f"unicomp: no calibration mixture named {name!r}; expected {', '.join(known)}, or FILE.jsonl.{nearest(name, known)}"
            )
        if name in weights:
            raise UsageProblem(f"unicomp: calibration {specification!r} names {name!r} twice; give it one weight.")
        weights[name] = _weight(weight, specification) if mark else 1.0
        if not mark and "," in specification:
            raise UsageProblem(f"unicomp: calibration {specification!r} gives {name!r} no weight; write {name}=0.5.")
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def validate(specification: str, bundle: Path | None, model_name: str) -> None:
    """Raise UsageProblem if the specification is wrong or the bundle lacks its data. Reads only the user's own file and downloads nothing."""
    for name in parse(specification):
        if not (model_name == "nano" and name in nano.KINDS):
            _entry(name).validate(bundle)


def repositories(specification: str, model_name: str) -> tuple[str, ...]:
    """Return the data sets of the hub that a specification reads if there is no bundle, each once."""
    entries = [_entry(name) for name in parse(specification) if not (model_name == "nano" and name in nano.KINDS)]
    return tuple(dict.fromkeys(name for entry in entries if isinstance(entry, Fetched) for name in entry.repositories()))


def pieces(specification: str) -> tuple[Piece, ...]:
    """Return the pieces that an offline bundle must fetch from the hub for a specification such as `generic=0.5,reasoning=0.5`, without duplicates.

    Raises UsageProblem for an unknown mixture."""
    entries = map(_entry, parse(specification))
    return tuple(dict.fromkeys(piece for entry in entries if isinstance(entry, Fetched) for piece in entry.pieces()))


def files(specification: str) -> dict[str, Path]:
    """Return the user's own files of a specification, by the names that it gives them."""
    return {name: typed(name) for name in parse(specification) if name.endswith(".jsonl")}


def identity(specification: str, bundle: Path | None) -> dict[str, Any]:
    """Return the part of the cache key that identifies the texts beside model, amount and seed: shares, and sha256 of the user's and the bundle's files."""
    shares = parse(specification)
    contents = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files(specification).items()}
    found = None if bundle is None else {"place": str(bundle.resolve()), **_digests(specification, bundle)}
    return {"shares": shares, "files": contents, "bundle": found}


def _digests(specification: str, bundle: Path) -> dict[str, str]:
    entries = list(map(_entry, parse(specification)))
    names = {name for entry in entries if isinstance(entry, Fetched) for name in entry.repositories()}
    names |= {name for entry in entries if isinstance(entry, Substituted) for name in entry.stand_ins()}
    return {name: digest_of_all(name, bundle) for name in sorted(names)}


def build(
    specification: str,
    *,
    model: Model,
    seed: int,
    bundle: Path | None,
    samples: int | None = None,
    tokens: int | None = None,
    form: amount.Form = "equal",
    asked: Sequence[tuple[str, Sequence[ItemText]]] = (),
    remark: str = "",
) -> Calibration:
    """Return the texts in the requested shares, in an order drawn by `seed`; equal arguments give the same texts.

    `amount.resolve` decides how many and how long; the record ends with `remark`. If a text of a named mixture gives away a question in `asked` (benchmark and its
    questions), another one replaces it, and the record counts it. Raises UsageProblem as `validate` does, if the user's own file gives a
    question away, and if there are fewer than 256 tokens.
    """
    from pytest_unicomp.methods.source import load_tokenizer
    from pytest_unicomp.methods.tokens import context_length

    folder = Path(model.path)
    wanted = amount.resolve(samples, tokens, form, model_name=model.name, context=context_length(folder))
    validate(specification, bundle, model.name)
    request = Request(wanted.tokens, seed, bundle, load_tokenizer(folder))
    shares = parse(specification)
    parts = [
        drawing.draw(name, _entry(name), request, drawing.part(wanted, place, list(shares.values())), model.name, asked)
        for place, name in enumerate(shares)
    ]
    blocks = [block for part in parts for block in part.blocks]
    seen = sum(block.tokens for block in blocks)
    if seen < amount.LEAST:
        raise UsageProblem(
            f"unicomp: calibration {specification!r} gave {seen} tokens of text, expected at least {amount.LEAST}; "
            "give another mixture, or a FILE.jsonl with more text."
        )
    texts = [block.text for block in blocks]
    random.Random(seed).shuffle(texts)
    record = CalibrationText(
        mixture=_described(specification, [*(words for part in parts for words in part.remarks), *filter(None, [remark])]),
        samples=len(texts),
        tokens=wanted.tokens,
        seed=seed,
        digest=_digest(texts),
        tokens_seen=seen,
        form=wanted.form,
        left_out=sum(part.left_out for part in parts),
    )
    return Calibration(texts=tuple(texts), tokens=wanted.tokens, record=record)


def _described(specification: str, remarks: Sequence[str]) -> str:
    return f"{specification} ({'; '.join(remarks)})" if remarks else specification


def _entry(name: str) -> Mixture:
    return JsonlFile(typed(name)) if name.endswith(".jsonl") else mixtures()[name]


def _weight(text: str, specification: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not (math.isfinite(weight) and weight > 0):
        raise UsageProblem(f"unicomp: calibration {specification!r} has the weight {text!r}; expected a positive number such as 0.5.")
    return weight


def _digest(texts: Iterable[str]) -> str:
    total = hashlib.sha256()
    for text in texts:
        total.update(text.encode("utf-8") + b"\0")
    return total.hexdigest()
