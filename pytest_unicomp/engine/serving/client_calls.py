"""Overrides the requests of lm-eval's API clients: they stay with one server, and one that hangs is given up once."""

from __future__ import annotations

from typing import Any

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine.loops import looping
from pytest_unicomp.engine.reply_log import Generated, ReplyLog
from pytest_unicomp.engine.reply_settings import ReplySettings
from pytest_unicomp.engine.serving.one_server import OneServer

# lm-eval's own seed of its requests to servers.
SEED = 1234


class ClientCalls:
    """To be inherited before a client of lm-eval (`TemplateAPI`), which has `base_url` and `timeout` in seconds."""

    base_url: str
    timeout: int
    reply_settings = ReplySettings()
    reply_log: ReplyLog | None = None
    # lm-eval repeats a request that failed; one that nobody answers would take several times the limit, in every benchmark.
    _given_up: InfrastructureError | None = None

    async def amodel_call(self, session: Any, *arguments: Any, **settings: Any) -> Any:
        """As upstream, except that neither key nor prompt follows a redirect, that a body has a limit, and that a timeout is final."""
        if self._given_up is not None:
            raise self._given_up
        try:
            return await super().amodel_call(OneServer(session), *arguments, **settings)  # type: ignore[misc]
        except TimeoutError as error:
            self._given_up = InfrastructureError(
                f"unicomp: {self.base_url} has not answered a request within {self.timeout} s; it is not sent again."
            )
            raise self._given_up from error

    def generate_until(self, requests: Any, disable_tqdm: bool = False) -> Any:
        """As upstream, without its progress bar; thoughts are cut, and every reply is noted in `reply_log` if there is one."""
        from lm_eval.api.instance import Instance

        from pytest_unicomp.engine.quiet_libraries import without_progress_bars

        settings = self.reply_settings
        given = [settings.applied(request.args[1]) for request in requests]
        sent = [self.sent(generation) for generation in given]
        asked = [
            Instance("generate_until", {}, (request.args[0], one), index)
            for index, (request, one) in enumerate(zip(requests, sent, strict=True))
        ]
        with without_progress_bars():
            texts = super().generate_until(asked, disable_tqdm)  # type: ignore[misc]
        replies = [
            _generated(text, request.args[0], generation, settings)
            for text, request, generation in zip(texts, requests, given, strict=True)
        ]
        if self.reply_log is not None:
            for request, reply in zip(requests, replies, strict=True):
                self.reply_log.add(request.args[0], reply)
        return [reply.answer for reply in replies]

    def sent(self, generation: dict[str, Any]) -> dict[str, Any]:
        """Return the generation settings that go to the server."""
        settings, changed = self.reply_settings, dict(generation)
        if settings.marks is not None:
            # A stop string may occur in a thought: it is looked for in the answer alone, once the reply is here.
            changed["until"] = []
            if settings.marks.channels:
                # Channels are special tokens, which servers leave out otherwise (vLLM's name for it).
                changed["skip_special_tokens"] = False
        if settings.number and "seed" not in changed:
            changed["seed"] = SEED
        return {**changed, "seed": changed["seed"] + settings.number} if "seed" in changed else changed


class ServedText(str):
    """The text of one choice of a server's answer, which lm-eval's client passes on as text, with what else the answer says of it.

    `tokens` counts the generated ones; `truncated` says that the token limit ended it; `thoughts` are those that the server has cut itself.
    """

    tokens: int | None = None
    truncated: bool | None = None
    thoughts: str | None = None


def _generated(text: str, prompt: str, generation: dict[str, Any], settings: ReplySettings) -> Generated:
    """Return the reply that a server's text is."""
    from lm_eval.models.utils import handle_stop_sequences, postprocess_generated_text

    known = text if isinstance(text, ServedText) else ServedText(text)
    repeats = None if settings.encode is None else looping(settings.encode(f"{known.thoughts or ''}{text}"))
    marks = settings.marks
    if known.thoughts is not None or marks is None:
        answer, thoughts, unfinished = str(text), known.thoughts, known.thoughts is not None and not text and bool(known.truncated)
    else:
        spoken = marks.split(str(text), opened=marks.opened_by(prompt))
        answer, thoughts, unfinished = spoken.answer, spoken.thoughts, spoken.unfinished
    stops = [] if marks is None else [stop for stop in handle_stop_sequences(generation.get("until"), eos=None) if stop]
    cut: str = postprocess_generated_text(answer, stop=stops, think_end_token=None)
    truncated = known.truncated if known.truncated is None else known.truncated and cut == answer
    return Generated(cut, known.tokens, truncated, repeats, thoughts, unfinished)


def replies(answer: Any, url: str, *path: str) -> list[ServedText]:
    """Return the texts of an answer's choices as `texts` does, with their lengths, endings and thoughts as far as the answer has them."""
    found = [ServedText(text) for text in texts(answer, url, *path)]
    usage = answer.get("usage")
    count = usage.get("completion_tokens") if isinstance(usage, dict) else None
    for text, choice in zip(found, sorted(answer["choices"], key=lambda choice: int(choice["index"])), strict=True):
        text.tokens = count if len(found) == 1 and isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None
        ending = choice.get("finish_reason")
        text.truncated = ending == "length" if isinstance(ending, str) else None
        message = choice.get("message")
        if isinstance(message, dict):
            # vLLM has had both names.
            own = message.get("reasoning_content") or message.get("reasoning")
            text.thoughts = own if isinstance(own, str) else None
    return found


def texts(answer: Any, url: str, *path: str) -> list[str]:
    """Return the texts of an answer's choices in the order of their indices; a text that is null counts as empty.

    `path` leads from a choice to its text. Raises InfrastructureError if the answer is something else.
    """
    found: dict[int, str] = {}
    try:
        for choice in answer["choices"]:
            text: Any = choice
            for key in path:
                text = text[key]
            if not isinstance(text, str | None):
                raise TypeError
            found[int(choice["index"])] = text or ""
    except (KeyError, TypeError, ValueError):
        found = {}
    if not found:
        raise InfrastructureError(f"unicomp: {url} answered {str(answer)[:120]!r}; expected choices, each with {'.'.join(path)}.")
    return [found[index] for index in sorted(found)]
