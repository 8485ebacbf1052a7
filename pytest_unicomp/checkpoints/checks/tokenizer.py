"""The checks `tokenizer`, `special-tokens` and `chat-template` of `unicomp check-artifact`: equal texts must become equal tokens and prompts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint
from pytest_unicomp.checkpoints.checks.finding import ArtifactCheck, Outcome, judged, not_applicable
from pytest_unicomp.checkpoints.tokenization import compare_tokenizers

MODELS = ("tokenizer.model", "vocab.json", "vocab.txt", "merges.txt", "tekken.json")
BESIDE = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
PARTS = ("vocabulary", "merges", "added tokens")
NAMES = ("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token")
# What no encoding depends on.
NOTES = ("name_or_path", "transformers_version", "chat_template", "is_local", "local_files_only", "tokenizer_file", "auto_map")


def tokenizer(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """Require the base's vocabulary, merges and added tokens; if any file differs, encode a corpus of probes with both tokenizers."""
    names = ("tokenizer.json", *MODELS)
    theirs, mine = ([name for name in names if (each.folder / name).is_file()] for each in (base, candidate))
    if not theirs:
        return not_applicable("the base has no tokenizer files")
    if not mine:
        return judged([f"none of {', '.join(theirs)} is there"], "")
    both = "tokenizer.json" in mine and "tokenizer.json" in theirs
    if both and (problems := list(_part_problems(candidate, base))):
        return judged(problems, "")
    if mine == theirs and all(_same(candidate, base, name) for name in (*theirs, *BESIDE)):
        return judged([], f"{', '.join(theirs)} equal")
    found = compare_tokenizers(candidate.folder, base.folder)
    if not found.reason:
        return judged(found.problems, f"written differently, same tokens for {found.probes} probes")
    problems = [f"{name} differs" for name in theirs if not _same(candidate, base, name)]
    return judged(problems, f"{', '.join(theirs)} equal ({found.reason})")


def _same(candidate: Checkpoint, base: Checkpoint, name: str) -> bool:
    """Return True if both have the file with equal content, or neither has it."""
    if not name.endswith(".json"):
        return _digest(candidate, name) == _digest(base, name)
    mine, theirs = ({key: value for key, value in each.json(name).items() if key not in NOTES} for each in (candidate, base))
    return mine == theirs


def _digest(checkpoint: Checkpoint, name: str) -> str:
    file = checkpoint.folder / name
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def _part_problems(candidate: Checkpoint, base: Checkpoint) -> Iterator[str]:
    mine, theirs = candidate.json("tokenizer.json"), base.json("tokenizer.json")
    for what in PARTS:
        ours, others = _part(mine, what), _part(theirs, what)
        if ours != others:
            yield f"{what} differ{_first_difference(ours, others)}"


def _part(content: Mapping[str, Any], what: str) -> Any:
    model = content.get("model") or {}
    # Which of them are special, tokenizer_config.json states too: the probes show what holds.
    added = sorted((token["id"], token["content"]) for token in content.get("added_tokens") or ())
    if what == "vocabulary":
        entries = model.get("vocab") or {}
        # Some libraries write added tokens into the vocabulary too.
        return {**entries, **{token: number for number, token in added}} if isinstance(entries, dict) else entries
    if what == "merges":
        # Older libraries write a pair as one string, newer ones as two.
        return [" ".join(merge) if isinstance(merge, list) else merge for merge in model.get("merges") or ()]
    return added


def _first_difference(mine: Any, theirs: Any) -> str:
    if len(mine) != len(theirs):
        return f" ({len(mine)} entries, the base has {len(theirs)})"
    if isinstance(mine, Mapping):
        entry = next((key for key in theirs if mine.get(key) != theirs[key]), None)
        return f" (first {entry!r}: {mine.get(entry)}, the base has {theirs[entry]})" if entry is not None else ""
    place = next((place for place, (one, other) in enumerate(zip(mine, theirs, strict=True)) if one != other), 0)
    return f" (first at {place}: {mine[place]!r}, the base has {theirs[place]!r})"


def special_tokens(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """The tokens that begin, end and pad a text are the base's."""
    mine, theirs = _special(candidate), _special(base)
    if not theirs:
        return not_applicable("the base names no special tokens")
    if mine != theirs and (candidate.folder / "tokenizer_config.json").is_file():
        # A class of transformers may name a token that no file does.
        found = compare_tokenizers(candidate.folder, base.folder)
        if found.theirs:
            mine, theirs = (({name: value for name, value in each if name in NAMES}) for each in (found.mine, found.theirs))
    problems = [f"{name} is {mine.get(name)!r}, the base has {theirs.get(name)!r}" for name in NAMES if mine.get(name) != theirs.get(name)]
    for flag in ("add_bos_token", "add_eos_token"):
        ours, others = (checkpoint.json("tokenizer_config.json").get(flag) for checkpoint in (candidate, base))
        if None not in (ours, others) and ours != others:
            problems.append(f"{flag} is {ours}, the base has {others}")
    return judged(problems, ", ".join(f"{name} {value!r}" for name, value in mine.items()))


def _special(checkpoint: Checkpoint) -> dict[str, str]:
    stated = {**checkpoint.json("special_tokens_map.json"), **checkpoint.json("tokenizer_config.json")}
    values = {name: stated.get(name) for name in NAMES}
    return {name: value["content"] if isinstance(value, dict) else str(value) for name, value in values.items() if value is not None}


def chat_template(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """Compare the chat templates of both, whichever file keeps them."""
    mine, theirs = dict(chat_templates(candidate)), dict(chat_templates(base))
    if not mine and not theirs:
        return not_applicable("neither has a chat template")
    problems = [f"template {name!r} of the base is missing" for name in sorted(set(theirs) - set(mine))]
    problems += [f"template {name!r} is not the base's: it has none of that name" for name in sorted(set(mine) - set(theirs))]
    problems += [f"template {name!r} differs from the base's" for name in sorted(set(mine) & set(theirs)) if mine[name] != theirs[name]]
    return judged(problems, f"{len(mine)} templates equal")


def chat_templates(checkpoint: Checkpoint) -> Iterator[tuple[str, str]]:
    """Yield name and text of each chat template of a checkpoint; "default" is that of messages."""
    # In the order in which transformers lets a later place win.
    stated = checkpoint.json("tokenizer_config.json").get("chat_template") or checkpoint.json("chat_template.json").get("chat_template")
    if isinstance(stated, str):
        yield "default", stated.rstrip("\n")
    for entry in stated if isinstance(stated, list) else ():
        yield entry["name"], entry["template"].rstrip("\n")
    main = checkpoint.folder / "chat_template.jinja"
    for file in [main, *sorted((checkpoint.folder / "additional_chat_templates").glob("*.jinja"))]:
        if file.is_file():
            yield "default" if file == main else file.stem, file.read_text(encoding="utf-8").rstrip("\n")


COPY = "copy the base's file into the folder"
CHECKS = {
    "tokenizer": ArtifactCheck("vocabulary, merges, added tokens and tokens as the base's", "copy the base's tokenizer files", tokenizer),
    "special-tokens": ArtifactCheck("bos, eos, unk, pad and other special tokens as the base's", COPY, special_tokens),
    "chat-template": ArtifactCheck("chat templates as the base's", COPY, chat_template),
}
