"""Loads two tokenizers and prints, as one JSON object, in what they differ: `python -m pytest_unicomp.checkpoints.tokenization.child MINE THEIRS`.

A separate process, so that a malicious tokenizer that exhausts memory or never ends affects this process alone.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from pytest_unicomp.api.errors import one_line
from pytest_unicomp.checkpoints.tokenization.probes import chats, texts

AROUND = 3
SHORT = 60


def main(mine: str, theirs: str) -> dict[str, Any]:
    """Return {"mine", "theirs": why a tokenizer cannot be loaded} or {"special", "vocabulary", "probes", "different"}; folders are checkpoints."""
    # Not needed to encode a text, and its import would take most of the time.
    sys.modules["torch"] = None  # type: ignore[assignment]
    logging.disable(logging.ERROR)
    from transformers import AutoTokenizer

    loaded, failed = {}, {}
    for name, folder in (("mine", mine), ("theirs", theirs)):
        try:
            loaded[name] = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except Exception as error:  # noqa: BLE001 - the tokenizers library raises plain Exception for a file that it cannot read
            failed[name] = f"{type(error).__name__}: {one_line(error, longest=200)}"
    return failed or compared(loaded["mine"], loaded["theirs"])


def compared(mine: Any, theirs: Any) -> dict[str, Any]:
    """Return the special tokens of both, how many entries of the vocabulary differ, and the probes with different tokens or text."""
    ours, others = mine.get_vocab(), theirs.get_vocab()
    unequal = sorted(key for key in set(ours) | set(others) if ours.get(key) != others.get(key))
    words = [theirs.convert_tokens_to_string([entry]) for entry in sorted(others, key=others.__getitem__)]
    probes = list(texts([token.content for _, token in sorted(theirs.added_tokens_decoder.items())], words))
    rendered = [*chats(theirs)]
    different = [(probe, *found) for probe in [*probes, *rendered] if (found := _difference(probe, mine, theirs))]
    return {
        "special": [_special(mine), _special(theirs)],
        "vocabulary": [len(unequal), [[entry, ours.get(entry), others.get(entry)] for entry in unequal[:1]]],
        "probes": len(probes) + len(rendered),
        "different": [len(different), different[:1]],
    }


def _special(tokenizer: Any) -> dict[str, str]:
    return {name: str(value) for name, value in tokenizer.special_tokens_map.items() if isinstance(value, str)}


def _difference(probe: str, mine: Any, theirs: Any) -> tuple[str, str] | None:
    """Return both tokenizers' tokens around the first difference, as text; None if their ids and decoded texts are equal."""
    for special in (True, False):
        ours, others = (each(probe, add_special_tokens=special)["input_ids"] for each in (mine, theirs))
        if ours != others:
            place = next(
                (at for at, (one, other) in enumerate(zip(ours, others, strict=False)) if one != other), min(len(ours), len(others))
            )
            return _near(mine, ours, place), _near(theirs, others, place)
        for skipped in (False, True):
            one, other = (each.decode(ids, skip_special_tokens=skipped) for each, ids in ((mine, ours), (theirs, others)))
            if one != other:
                words = "text without special tokens" if skipped else "text"
                return f"{words} {one[:SHORT]!r}", f"{words} {other[:SHORT]!r}"
    return None


def _near(tokenizer: Any, ids: list[int], place: int) -> str:
    chosen = ids[max(0, place - AROUND) : place + AROUND]
    return repr([str(token) for token in tokenizer.convert_ids_to_tokens(chosen)])


if __name__ == "__main__":
    json.dump(main(*sys.argv[1:3]), sys.stdout)
