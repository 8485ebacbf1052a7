"""How replies are generated in one pass over a benchmark: what the options of a run change in the settings that the benchmark asks for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.config.generation_values import MODEL, as_arguments
from pytest_unicomp.engine.reply_log import ReplyLog
from pytest_unicomp.engine.thoughts import ThoughtMarks, marks_of

# lm-eval's names of the token limit.
LIMITS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
# Equal requests of one pass are numbered from 0; those of the next pass begin here.
PASS = 1_000_000


@dataclass(frozen=True)
class ReplySettings:
    """`limit` (None: the benchmark's), `sampling` settings in lm-eval's names (empty: the benchmark's), `marks` of thoughts (None: no thoughts).

    `template_arguments` are given to the chat template. `number` is that of the pass, from 0: each draws other random numbers. `encode` turns a text
    into token ids, for backends that return text alone.
    """

    template_arguments: Mapping[str, Any] = field(default_factory=dict)
    marks: ThoughtMarks | None = None
    limit: int | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0
    encode: Callable[[str], Sequence[int]] | None = None

    def applied(self, generation: Mapping[str, Any]) -> dict[str, Any]:
        """Return the generation settings of a request, with those of the run in place of its own."""
        changed = dict(generation)
        if self.limit is not None:
            changed = {name: value for name, value in changed.items() if name not in LIMITS} | {"max_gen_toks": self.limit}
        return {**changed, **self.sampling}

    def recorded(self, generation: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings that a measurement keeps among its conditions: those applied, and the mark that ends thoughts if there is one."""
        return {**self.applied(generation), **({"think_end_token": self.marks.closing} if self.marks else {})}


@contextmanager
def attached_to(lm: Any, settings: ReplySettings, log: ReplyLog) -> Iterator[None]:
    """Make `lm` generate by these settings and note its replies, within the block; a language model that ignores them is not affected."""
    before = vars(lm).get("chat_template_args")
    lm.reply_settings, lm.reply_log, lm.chat_template_args = settings, log, dict(settings.template_arguments)
    try:
        yield
    finally:
        lm.reply_settings, lm.reply_log, lm.chat_template_args = ReplySettings(), None, before or {}


def settings_of(tokenizer: Any, folder: Path, evaluation: Evaluation, number: int = 0) -> ReplySettings:
    """Return the settings for a model with this tokenizer (None if it is not here) and checkpoint folder.

    Raises InfrastructureError if its generation_config.json lacks what the options ask of it.
    """
    template = str(getattr(tokenizer, "chat_template", None) or "")
    added = [] if tokenizer is None else [str(token) for token in tokenizer.get_added_vocab()]
    marks = marks_of(template, added, evaluation.think_end_token)
    stated = generation_config(folder)
    limit, own = next(iter(evaluation.max_gen_toks), None), stated_limit(stated)
    if limit == MODEL and own is None:
        raise InfrastructureError(
            f"unicomp: {folder} states no token limit (max_new_tokens in generation_config.json); give a number of tokens."
        )
    # A model that thinks is cut in mid-thought by the limits of benchmarks made for those that do not, so its card's limit is the default.
    most = int(limit) if limit not in (None, MODEL) else own if limit == MODEL or marks else None
    sampling: Mapping[str, Any] = {}
    if evaluation.sampling == "model":
        found = stated_sampling(stated)
        if found is None:
            raise InfrastructureError(f"unicomp: {folder} states no sampling in generation_config.json, so the model has none of its own.")
        sampling = {**found, "seed": evaluation.seed}
    encode = None if tokenizer is None else lambda text: list(tokenizer.encode(text, add_special_tokens=False))
    return ReplySettings(as_arguments(evaluation.template_arg), marks, most, sampling, number, encode)


def generation_config(folder: Path) -> dict[str, Any]:
    """Return the content of a checkpoint's generation_config.json; empty if there is none that can be read."""
    try:
        found = json.loads((folder / "generation_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def stated_limit(config: Mapping[str, Any]) -> int | None:
    """Return the token limit of replies in a generation_config.json, None if it states none (its max_length counts the prompt too)."""
    found = config.get("max_new_tokens")
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None


def stated_sampling(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how a generation_config.json samples, in lm-eval's names; None if it does not sample. Settings left out have no effect."""
    temperature = config.get("temperature")
    if config.get("do_sample") is not True and temperature is None:
        return None
    chosen = 1.0 if temperature is None else float(temperature)
    if config.get("do_sample") is False or chosen <= 0:
        return None
    limits = {name: config[name] for name in ("top_p", "top_k") if config.get(name)}
    return {"do_sample": True, "temperature": chosen, **limits}
