"""What a UnicompLM does beside lm-eval's own class: answers batch by batch, keeps each answer at once, and knows how its model is read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from pytest_unicomp.engine.loglikelihood import Answer, Asked, score
from pytest_unicomp.engine.model_probe import Support, support
from pytest_unicomp.engine.resume_log import Journal

# Requests that are given to lm-eval's own code at once: what a kill may lose of a model that is read by it.
PART = 64


class Answering:
    """Stands before `lm_eval.models.huggingface.HFLM`, whose attributes are named here; `journal`, where there is one, keeps every answer the moment it is known."""

    journal: Journal | None = None
    model: Any
    tokenizer: Any
    rank: int
    max_length: int
    add_bos_token: bool | None
    prefix_token_id: int
    eot_token_id: int | None
    mixed_precision_dtype: Any
    tok_decode: Callable[..., Any]
    _loglikelihood_tokens: Callable[..., Any]

    @cached_property
    def support(self) -> Support:
        """How this model is read; found out by trying when it is first needed, and said where something is missing."""
        found = support(self.model) if self.mixed_precision_dtype is None else Support(None, 0, "it computes in mixed precision")
        if found.reason is not None:
            plain = "by lm-eval's own code" if found.head is None else "each request from its beginning"
            logging.getLogger(__name__).warning("unicomp: %s is read %s: %s.", type(self.model).__name__, plain, found.reason)
        return found

    def _answered(
        self,
        given: Sequence[tuple[list[int], list[int]]],
        disable_tqdm: bool,
        *,
        known: Mapping[int, tuple[float, bool]],
        done: Callable[[int, tuple[float, bool]], None] = lambda place, answer: None,
    ) -> list[tuple[float, bool]]:
        """Answer (context ids, continuation ids), calling `done` for each batch by batch.

        Batches are those of all that is given, and one is left out only where all of it is known: what comes after a kill is to the last
        bit what would have come without it.
        """
        import torch
        from tqdm import tqdm

        how = self.support
        answers = dict(known)
        progress = tqdm(total=len(given), initial=len(known), disable=disable_tqdm or self.rank != 0, desc="Running loglikelihood requests")

        def found(place: int, answer: Answer) -> None:
            if place not in answers:
                answers[place] = (answer.log_likelihood, answer.greedy)
                done(place, answers[place])
                progress.update(1)

        for place, (_, continuation) in enumerate(given):
            if not continuation:
                found(place, Answer(0.0, True))
        if how.head is None:
            self._answer_plainly(given, frozenset(known), found)
        else:
            asked = [self._asked(*pair) for pair in given]
            # Beyond a sliding window a layer no longer sees a shared beginning whole: such sequences are read each on its own.
            fits = [how.window is None or len(one.tokens) <= how.window for one in asked]
            with torch.inference_mode(), how.reading(self.model):
                for share in (True, False):
                    places = [place for place, one in enumerate(asked) if one.targets and fits[place] is share]
                    score(self.model, how.head, asked, places, found, known=frozenset(known), share=share, way=how.way)
        progress.close()
        return [answers[place] for place in range(len(given))]

    def _answer_plainly(
        self, given: Sequence[tuple[list[int], list[int]]], known: frozenset[int], found: Callable[[int, Answer], None]
    ) -> None:
        """Answer what has a continuation by lm-eval's own code, which says nothing before all that it is given is done: part by part."""
        for places in parts([place for place, pair in enumerate(given) if pair[1]], lambda place: sum(map(len, given[place]))):
            if not known.issuperset(places):
                plain = self._loglikelihood_tokens([(None, *given[place]) for place in places], disable_tqdm=True)
                for place, (log_likelihood, greedy) in zip(places, plain, strict=True):
                    found(place, Answer(log_likelihood, greedy))

    def _asked(self, context: list[int], continuation: list[int]) -> Asked:
        if len(continuation) > self.max_length:
            raise ValueError(f"unicomp: a continuation of {len(continuation)} tokens; expected at most the model's {self.max_length}.")
        return Asked(tuple((context + continuation)[-(self.max_length + 1) :][:-1]), tuple(continuation))

    def _kept(self, kind: str, text: Any) -> Any:
        return None if self.journal is None else self.journal.get(kind, text)

    def _keep(self, kind: str, text: Any, answer: Any) -> None:
        if self.journal is not None:
            self.journal.put(kind, text, answer)

    def _prompts(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids that HFLM's `tok_batch_encode` gives each context; an empty one has the token that starts a text."""
        from lm_eval.models.utils import has_bos_prefix

        started = [bool(has_bos_prefix(text, getattr(self.tokenizer, "bos_token", None))) for text in texts]
        found: dict[int, list[int]] = {}
        for beginning in {*started}:
            places = [place for place, own in enumerate(started) if own is beginning]
            add = False if beginning else self.add_bos_token
            special = {} if add is None else {"add_special_tokens": add}
            found |= zip(places, self.tokenizer([texts[place] for place in places], **special)["input_ids"], strict=True)
        return [list(found[place]) or [self.prefix_token_id] for place in range(len(texts))]

    def _ends(self) -> frozenset[int]:
        configured = self.model.generation_config.eos_token_id
        listed = configured if isinstance(configured, list) else [configured]
        return frozenset(int(end) for end in (*listed, self.eot_token_id) if end is not None)

    def _stop_finder(self, stops: list[str]) -> Any:
        if not stops:
            return None
        # As many tokens as the longest stop string can have, and two more, as in lm-eval's own criterion.
        tail = max(len(self.tokenizer.encode(stop, add_special_tokens=False)) for stop in stops) + 2

        def found(made: list[int]) -> bool:
            ending = self.tok_decode(made[-tail:], skip_special_tokens=False)
            if not any(stop in ending for stop in stops):
                return False
            whole = self.tok_decode(made, skip_special_tokens=False)
            return any(stop in whole for stop in stops)

        return found


def parts(places: Iterable[int], length: Callable[[int], int]) -> list[list[int]]:
    """Divide places into parts of at most PART that are alike in length, the longest first."""
    ordered = sorted(places, key=length, reverse=True)
    return [ordered[start : start + PART] for start in range(0, len(ordered), PART)]
