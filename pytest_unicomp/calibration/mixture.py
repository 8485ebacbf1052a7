"""Turn `--unicomp-calibration` (a mixture, weights such as `generic=.5,reasoning=.5`, or FILE.jsonl) into the texts that methods see."""

from __future__ import annotations

import hashlib
import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_unicomp.calibration import nano
from pytest_unicomp.calibration.custom import Custom
from pytest_unicomp.calibration.request import Documents, Mixture, Request
from pytest_unicomp.errors import UsageProblem, nearest
from pytest_unicomp.records import CalibrationText, Model
from pytest_unicomp.registry import Calibration, mixtures

SAMPLES = 128
TOKENS = 2048
NANO_SAMPLES = 768
NANO_TOKENS = 256


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
    """Raise UsageProblem where the specification is wrong or the bundle lacks its data; reads at most the user's own file, fetches nothing."""
    for name in parse(specification):
        if not (model_name == "nano" and name in nano.KINDS):
            _entry(name).validate(bundle)


def identity(specification: str, bundle: Path | None) -> dict[str, Any]:
    """Return what, besides model and seed, decides the texts: shares, contents of the user's files, and whether a bundle is read."""
    shares = parse(specification)
    files = {name: hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in shares if name.endswith(".jsonl")}
    return {
        "shares": shares,
        "files": files,
        "bundle": bundle is not None,
        "samples": [SAMPLES, NANO_SAMPLES],
        "tokens": [TOKENS, NANO_TOKENS],
    }


def build(
    specification: str, *, model: Model, seed: int, bundle: Path | None, samples: int | None = None, tokens: int | None = None
) -> Calibration:
    """Return `samples` documents in the shares asked for, in an order drawn by `seed`; equal arguments give the same texts.

    By default 128 documents, cut by methods at 2048 tokens or the model's context if that is shorter; for nano 768, since its are short.
    For nano the four kinds come from its own training world. Raises UsageProblem as `validate` does, and where no text was found.
    """
    from pytest_unicomp.methods.source import load_tokenizer
    from pytest_unicomp.methods.tokens import context_length

    folder = Path(model.path)
    if samples is None:
        samples = NANO_SAMPLES if model.name == "nano" else SAMPLES
    if tokens is None:
        tokens = NANO_TOKENS if model.name == "nano" else min(TOKENS, context_length(folder) or TOKENS)
    validate(specification, bundle, model.name)
    request = Request(samples, tokens, seed, bundle, load_tokenizer(folder))
    parts = {
        name: _documents(name, replace(request, count=count), model.name)
        for name, count in _counts(parse(specification), samples).items()
        if count
    }
    texts = [text for part in parts.values() for text in part.texts if text.strip()]
    if not texts:
        raise UsageProblem(f"unicomp: calibration {specification!r} gave no text; give another mixture or a FILE.jsonl with text.")
    random.Random(seed).shuffle(texts)
    remarks = [f"{name} {part.remark}" for name, part in parts.items() if part.remark]
    described = f"{specification} ({'; '.join(remarks)})" if remarks else specification
    record = CalibrationText(mixture=described, samples=len(texts), tokens=tokens, seed=seed, digest=_digest(texts))
    return Calibration(texts=tuple(texts), tokens=tokens, record=record)


def _documents(name: str, request: Request, model_name: str) -> Documents:
    if model_name == "nano" and name in nano.KINDS:
        return nano.documents(name, request)
    return _entry(name).documents(request)


def _entry(name: str) -> Mixture:
    return Custom(Path(name).expanduser()) if name.endswith(".jsonl") else mixtures()[name]


def _counts(shares: dict[str, float], samples: int) -> dict[str, int]:
    """Split `samples` by largest remainder, so that the counts add up."""
    counts = {name: math.floor(share * samples) for name, share in shares.items()}
    order = sorted(shares, key=lambda name: counts[name] - shares[name] * samples)
    for name in order[: samples - sum(counts.values())]:
        counts[name] += 1
    return counts


def _weight(text: str, specification: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not (math.isfinite(weight) and weight > 0):
        raise UsageProblem(f"unicomp: calibration {specification!r} has the weight {text!r}; expected a positive number such as 0.5.")
    return weight


def _digest(texts: list[str]) -> str:
    total = hashlib.sha256()
    for text in texts:
        total.update(text.encode("utf-8") + b"\0")
    return total.hexdigest()
