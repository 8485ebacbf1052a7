"""Artifact checks `vocabulary-size` and `tied-weights`: embeddings and output head have the tokenizer's vocabulary, and are tied as in the base model."""

from __future__ import annotations

import numpy as np

from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint
from pytest_unicomp.checkpoints.checks.finding import ArtifactCheck, Outcome, judged, not_applicable
from pytest_unicomp.checkpoints.checks.shapes import HEADS, logical
from pytest_unicomp.checkpoints.configuration import Unresolved, resolve
from pytest_unicomp.checkpoints.safetensors_reader import Tensor

EMBEDDINGS = ("embed_tokens.weight", "wte.weight", "embed_in.weight", "word_embeddings.weight")


def vocabulary_size(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """config.json, embeddings and head agree on the number of tokens, and the tokenizer names none beyond it."""
    stated = candidate.text_config.get("vocab_size")
    rows = {name: shape[0] for name, shape in logical(candidate).items() if name.endswith((*EMBEDDINGS, *HEADS))}
    problems = [f"{name} has {count} rows, config.json has vocab_size {stated}" for name, count in rows.items() if count != stated]
    highest = _highest(candidate)
    if highest is not None and stated is not None and highest >= stated:
        problems.append(f"the tokenizer's highest token is {highest}, config.json has vocab_size {stated}")
    if not rows:
        problems.append("there are no embeddings")
    return judged(problems, f"{stated} rows, the tokenizer's highest token is {highest if highest is not None else 'not known'}")


def _highest(checkpoint: Checkpoint) -> int | None:
    content = checkpoint.json("tokenizer.json")
    vocabulary = (content.get("model") or {}).get("vocab") or {}
    ids = list(vocabulary.values()) if isinstance(vocabulary, dict) else [len(vocabulary) - 1]
    ids += [token["id"] for token in content.get("added_tokens") or ()]
    return max(ids, default=None)


def tied_weights(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """The output head is tied to the embeddings if the base's is; untied it must have other weights, and a head untied in the base stays untied.

    Rotations fold the last norm into the head, which then differs from the embeddings; a mere copy of them is a tie that was lost.
    """
    mine, theirs = (_tied(each) for each in (candidate, base))
    if mine and not theirs:
        return judged([f"tie_word_embeddings is {mine}, the base has {theirs}"], "")
    if not any(name.endswith(EMBEDDINGS) for name in candidate.tensors):
        return not_applicable("there are no embeddings, see vocabulary-size")
    heads = [name for name in candidate.tensors if name.split(".")[-2:-1] in (["lm_head"], ["embed_out"])]
    if not mine and not heads:
        return judged(["not tied, yet no head is stored"], "")
    if not mine and theirs:
        copies = [name for name in heads if _is_embedding(candidate, name)]
        lost = [f"tie_word_embeddings is {mine}, the base has {theirs}, and {name} only repeats the embeddings" for name in copies]
        return judged(lost, "a head of its own, where the base ties it to the embeddings")
    if not mine:
        return judged([], "own head, as the base")
    return judged(
        [f"{name} is stored and is not the embeddings, though they are tied" for name in heads if not _is_embedding(candidate, name)],
        "head and embeddings tied, as in the base",
    )


def _tied(checkpoint: Checkpoint) -> bool:
    """Return `tie_word_embeddings` of config.json, else the default of its config class; without such a class, True if no head is stored."""
    stated = checkpoint.text_config.get("tie_word_embeddings")
    if stated is None:
        try:
            stated = resolve(checkpoint.config).settings.get("tie_word_embeddings")
        except Unresolved:
            stated = None
    return bool(stated) if stated is not None else not any(name.endswith(HEADS) for name in checkpoint.tensors)


def _is_embedding(checkpoint: Checkpoint, name: str) -> bool:
    head = checkpoint.tensors[name]
    embedding = next(tensor for other, tensor in checkpoint.tensors.items() if other.endswith(EMBEDDINGS))
    return (head.dtype, head.shape) == (embedding.dtype, embedding.shape) and np.array_equal(_raw(head), _raw(embedding))


def _raw(tensor: Tensor) -> np.memmap[tuple[int], np.dtype[np.uint8]]:
    return np.memmap(tensor.file, dtype=np.uint8, mode="r", offset=tensor.start, shape=(tensor.stop - tensor.start,))


CHECKS = {
    "vocabulary-size": ArtifactCheck(
        "as many rows in embeddings and head as vocab_size says, and no token beyond them",
        "resize the embeddings to the tokenizer and write config.json with them",
        vocabulary_size,
    ),
    "tied-weights": ArtifactCheck(
        "head and embeddings tied if the base ties them, or a stored head that differs from them",
        "set tie_word_embeddings as in the base and save again",
        tied_weights,
    ),
}
