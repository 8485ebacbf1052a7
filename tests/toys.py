"""Small records that tests build on: real types, made-up numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from pytest_unicomp.api.records import Artifact, Conditions, Item, Measurement, Model
from pytest_unicomp.run import adopt
from pytest_unicomp.store.local import Store


def item(name: str, score: float | None, *, answer: str = "", prompt: str | None = None, cluster: str | None = None) -> Item:
    """An item whose prompt digest follows from its prompt (default: its name)."""
    text = prompt if prompt is not None else f"question {name}"
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Item(id=name, cluster=cluster, score=score, prompt_digest=digest, prompt=text, answer=answer)


def measurement(
    scores: Sequence[float | None], *, artifact: str = "a" * 8, benchmark: str = "toy", answers: Sequence[str] | None = None
) -> Measurement:
    """A measurement with one item per score."""
    known = [score for score in scores if score is not None]
    return Measurement(
        benchmark=benchmark,
        dimension="performance",
        capability="knowledge",
        metric="acc",
        higher_is_better=True,
        chance=0.0,
        value=sum(known) / len(known) if known else None,
        stderr=0.01 if known else None,
        n=len(scores),
        items=[item(f"{benchmark}/{place}", score, answer=answers[place] if answers else str(score)) for place, score in enumerate(scores)],
        conditions=Conditions(
            benchmark=benchmark,
            dataset="toy",
            metric="acc",
            template="none",
            shots=0,
            generation={},
            engine="toy",
            dtype="float32",
            seed=0,
            limit=None,
        ),
        artifact=artifact,
        versions={"torch": "2.13.0"},
        machine="toy machine",
        seconds=1.0,
        created="2026-01-01T00:00:00+00:00",
    )


def artifact(path: str, **changes: object) -> Artifact:
    """An artifact record over a folder."""
    values: dict[str, object] = {
        "recipe": "toy",
        "family": "pruning",
        "settings": {},
        "path": path,
        "fingerprint": "f" * 64,
        "parameters": 100,
        "bytes": 200,
        "bits_per_weight": 16.0,
        "sparsity": 0.0,
    }
    return Artifact.model_validate({**values, **changes})


def reference(name: str = "nano") -> Model:
    """The reference of that name, which needs no conversion."""
    return adopt.reference(name, None, Store(Path("unused")), lambda step: None)
