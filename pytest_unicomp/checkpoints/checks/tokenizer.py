"""Do equal texts become equal tokens, in equal prompts, that end alike: tokenizer, special tokens, chat template, generation settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint
from pytest_unicomp.checkpoints.checks.finding import ArtifactCheck, Outcome, judged, not_applicable

MODELS = ("tokenizer.model", "vocab.json", "vocab.txt", "merges.txt", "tekken.json")
PIPELINE = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
# Each tells apart pipelines that differ in spaces, case, digits, line ends, scripts, accents, byte fallback or the tokens put around a text.
PROBES = (
    "Hello, world!  Two  spaces.",
    " leading and trailing ",
    "It's 1234567890 + 3.14 = ?",
    "tabs\tand\n\nnew lines\r\n",
    "naïve café Straße ﬁne",
    "日本語 русский العربية हिन्दी",
    "🙂👩‍👩‍👧 \u200b\u00a0x",
    "def f(x):\n    return x_1 <= 2",
    "ALL CAPS and CamelCase",
    "",
)
NAMES = ("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token")
IDS = ("bos_token_id", "eos_token_id", "pad_token_id")
BOOKKEEPING = ("transformers_version", "_from_model_config")


def tokenizer(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """Same vocabulary, merges and added tokens; the steps around them may be written differently where every probe gives the same tokens."""
    names = [name for name in ("tokenizer.json", *MODELS) if (base.folder / name).is_file()]
    shared = [name for name in names if (candidate.folder / name).is_file()]
    if not names:
        return not_applicable("the base has no tokenizer files")
    if not shared:
        return judged([f"none of {', '.join(names)} is there"], "")
    if "tokenizer.json" in shared:
        return _fast(candidate, base)
    problems = [f"{name} differs" for name in shared if _digest(candidate, name) != _digest(base, name)]
    return judged(problems, f"{', '.join(shared)} byte for byte")


def _digest(checkpoint: Checkpoint, name: str) -> str:
    return hashlib.sha256((checkpoint.folder / name).read_bytes()).hexdigest()


def _fast(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    mine, theirs = candidate.json("tokenizer.json"), base.json("tokenizer.json")
    problems = [
        f"{what} differ{_where(_part(mine, what), _part(theirs, what))}" for what in PARTS if _part(mine, what) != _part(theirs, what)
    ]
    if problems:
        return judged(problems, "")
    size = len(_part(mine, "vocabulary")) + len(_part(mine, "added tokens"))
    changed = [step for step in PIPELINE if mine.get(step) != theirs.get(step)]
    if not changed:
        return judged([], f"{size} entries, merges and steps equal")
    told = f"{', '.join(changed)} written differently"
    differing = [probe for probe, ours, others in zip(PROBES, _tokens(mine), _tokens(theirs), strict=True) if ours != others]
    return judged([f"{told}: other tokens for {probe!r}" for probe in differing[:1]], f"{told}, same tokens for {len(PROBES)} probes")


PARTS = ("vocabulary", "merges", "added tokens")


def _part(content: Mapping[str, Any], what: str) -> Any:
    model = content.get("model") or {}
    if what == "vocabulary":
        return model.get("vocab") or {}
    if what == "merges":
        # Older libraries write a pair as one string, newer ones as two.
        return [" ".join(merge) if isinstance(merge, list) else merge for merge in model.get("merges") or ()]
    return sorted((token["id"], token["content"], bool(token.get("special"))) for token in content.get("added_tokens") or ())


def _where(mine: Any, theirs: Any) -> str:
    if len(mine) != len(theirs):
        return f" ({len(mine)} entries, the base has {len(theirs)})"
    if isinstance(mine, Mapping):
        entry = next((key for key in theirs if mine.get(key) != theirs[key]), None)
        return f" (first {entry!r}: {mine.get(entry)}, the base has {theirs[entry]})" if entry is not None else ""
    place = next((place for place, (one, other) in enumerate(zip(mine, theirs, strict=True)) if one != other), 0)
    return f" (first at {place}: {mine[place]!r}, the base has {theirs[place]!r})"


def _tokens(content: Mapping[str, Any]) -> list[tuple[list[int], str]]:
    from tokenizers import Tokenizer

    built = Tokenizer.from_str(json.dumps(content))
    built.no_truncation()
    built.no_padding()
    encoded = [built.encode(probe).ids for probe in PROBES]
    return [(ids, built.decode(ids)) for ids in encoded]


def special_tokens(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """The tokens that begin, end and pad a text are the base's."""
    mine, theirs = _special(candidate), _special(base)
    if not theirs:
        return not_applicable("the base names no special tokens")
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
    """The same chat templates, wherever they are kept."""
    mine, theirs = dict(_templates(candidate)), dict(_templates(base))
    if not mine and not theirs:
        return not_applicable("neither has a chat template")
    problems = [f"template {name!r} of the base is missing" for name in sorted(set(theirs) - set(mine))]
    problems += [f"template {name!r} is not the base's: it has none of that name" for name in sorted(set(mine) - set(theirs))]
    problems += [f"template {name!r} differs from the base's" for name in sorted(set(mine) & set(theirs)) if mine[name] != theirs[name]]
    return judged(problems, f"{len(mine)} templates equal")


def _templates(checkpoint: Checkpoint) -> Iterator[tuple[str, str]]:
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


def token_ids(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """bos, eos and pad ids of config.json are the base's."""
    mine, theirs = candidate.text_config, base.text_config
    problems = [f"{name} is {mine.get(name)}, the base has {theirs.get(name)}" for name in IDS if mine.get(name) != theirs.get(name)]
    return judged(problems, ", ".join(f"{name} {mine.get(name)}" for name in IDS))


def generation_config(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """generation_config.json says the same; what transformers derives from config.json when saving says nothing of its own."""
    mine, theirs = (
        {key: value for key, value in each.json("generation_config.json").items() if key not in BOOKKEEPING} for each in (candidate, base)
    )
    if not theirs:
        derived = candidate.json("generation_config.json").get("_from_model_config", False)
        if not mine or derived:
            return not_applicable("the base has no generation_config.json")
    if not mine:
        return judged(["generation_config.json is missing or empty"], "")
    problems = [
        f"{key} is {mine.get(key)!r}, the base has {theirs.get(key)!r}"
        for key in sorted({*mine, *theirs})
        if mine.get(key) != theirs.get(key)
    ]
    return judged(problems, f"{len(mine)} settings equal")


COPY = "copy the base's file into the folder"
CHECKS = {
    "tokenizer": ArtifactCheck("vocabulary, merges, added tokens and tokens as the base's", "copy the base's tokenizer files", tokenizer),
    "special-tokens": ArtifactCheck("bos, eos, unk, pad and other special tokens as the base's", COPY, special_tokens),
    "chat-template": ArtifactCheck("chat templates as the base's", COPY, chat_template),
    "token-ids": ArtifactCheck(
        "bos_token_id, eos_token_id and pad_token_id of config.json as the base's", "set them in config.json", token_ids
    ),
    "generation-config": ArtifactCheck("generation_config.json as the base's", COPY, generation_config),
}
