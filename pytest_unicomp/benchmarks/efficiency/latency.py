"""Times rounds of prefill (a prompt is read) and of decode (tokens are written one by one), on the device that evaluates."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from pytest_unicomp.api.benchmark import Evaluation, LatencyBenchmark
from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.vocabulary import NANO_DEFAULT
from pytest_unicomp.benchmarks.efficiency import room
from pytest_unicomp.benchmarks.efficiency.served import Served, Work, round_of
from pytest_unicomp.engine.host import launching

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine


@dataclass(frozen=True, kw_only=True)
class Latency(LatencyBenchmark):
    """`batch` sequences: a round reads `prompt` tokens each, or, if `decode` is above 0, writes `decode` tokens each after the prompt was read.
    With `whole` a round does both. `per_token`: the metric is seconds per token that a round handled, the inverse of throughput.

    Prompts are shortened to the model's context. Tokens are random (seed 0), the same for every artifact of a vocabulary.
    Each side runs in the data type of its checkpoint, and on the kernels of its format if this device has them.
    """

    batch: int
    prompt: int
    decode: int
    whole: bool = False
    per_token: bool = False
    sets: tuple[str, ...] = ("nano", NANO_DEFAULT, "efficiency")
    source: str = "timed here"

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return the settings of a round."""
        return {name: value for name, value in asdict(self).items() if name in ("batch", "prompt", "decode", "whole")}

    def prepare(self, engine: Engine | Served) -> Callable[[], float | None]:
        """Return a function that performs one round and waits for the device; the caller warms it up. Raises UnicompError if the context is too short.

        The round of a served model sends requests to its endpoint and returns the seconds that count.
        """
        if engine.model is None:
            return round_of(Work(self.batch, self.prompt, self.decode, self.whole), cast("Served", engine))
        return self._here(cast("Engine", engine))

    def launching_share(self, engine: Engine) -> float | None:
        """Return the launching share of one forward pass: of a written token if the round writes, else of the prompt; None if no GPU of this host works."""
        if not engine.device.startswith("cuda"):
            return None
        return launching.launching_share(self.one_pass(engine), engine.synchronize)

    def one_pass(self, engine: Engine) -> Callable[[], object]:
        """Return a function that queues one forward pass of a round, the last one, and does not wait for it."""
        import torch

        tokens = self._tokens(engine)
        cache: Any = None
        if self.decode:
            with torch.inference_mode():
                cache = engine.model(tokens, use_cache=True, logits_to_keep=1).past_key_values
            tokens = tokens[:, -1:]

        def pass_() -> object:
            # The cache grows by a token with each pass, which changes the share by little and copies nothing.
            with torch.inference_mode():
                return engine.model(tokens, past_key_values=cache, use_cache=True, logits_to_keep=1).logits

        return pass_

    def _length(self, engine: Engine) -> int:
        """Return the tokens of a prompt; raise UnicompError if the context is too short for any."""
        length = min(self.prompt, engine.max_length - self.decode)
        if length < 1:
            raise UnicompError(
                f"unicomp: the model's context of {engine.max_length} tokens holds no prompt beside {self.decode} written ones."
            )
        return length

    def _tokens(self, engine: Engine) -> Any:
        """Return the random prompts, shape (batch, tokens), on the engine's device."""
        import torch

        generator = torch.Generator().manual_seed(0)
        vocabulary = int(engine.model.get_input_embeddings().weight.shape[0])
        return torch.randint(0, vocabulary, (self.batch, self._length(engine)), generator=generator).to(engine.device)

    def _here(self, engine: Engine) -> Callable[[], None]:
        room.require(engine, batch=self.batch, prompt=self._length(engine), written=self.decode)
        tokens = self._tokens(engine)
        make = self._generating if self.whole else self._decoding if self.decode else self._reading
        made: list[Callable[[], None]] = []
        # To prepare a round of decode reads the prompt, which may not fit either.
        room.guarded(lambda: made.append(make(engine, tokens)), engine.device)()
        return room.guarded(made[0], engine.device)

    @property
    def counted_tokens(self) -> int:
        """Return the tokens that one round handles, read and written, if the metric is per token; else 1."""
        handled = self.batch * (self.decode if self.decode and not self.whole else self.prompt + self.decode)
        return handled if self.per_token else 1

    @property
    def written_tokens(self) -> int:
        """Return the tokens that a round writes for each sequence, 1 at least."""
        return max(1, self.decode)

    def _reading(self, engine: Engine, tokens: Any) -> Callable[[], None]:
        import torch

        def round_() -> None:
            with torch.inference_mode():
                engine.model(tokens, use_cache=True, logits_to_keep=1)
            engine.synchronize()

        return round_

    def _generating(self, engine: Engine, tokens: Any) -> Callable[[], None]:
        import torch

        def round_() -> None:
            cache, newest = None, tokens
            with torch.inference_mode():
                # The first token comes with the prompt.
                for _ in range(self.decode):
                    answer = engine.model(newest, past_key_values=cache, use_cache=True, logits_to_keep=1)
                    cache, newest = answer.past_key_values, answer.logits[:, -1:].argmax(dim=-1)
            engine.synchronize()

        return round_

    def _decoding(self, engine: Engine, tokens: Any) -> Callable[[], None]:
        import torch

        with torch.inference_mode():
            read = engine.model(tokens, use_cache=True, logits_to_keep=1)
        first = read.logits[:, -1:].argmax(dim=-1)
        engine.synchronize()

        def round_() -> None:
            # Decode extends the KV cache in place; to copy it costs little beside the steps that follow, and works for every kind of cache.
            cache, newest = copy.deepcopy(read.past_key_values), first
            with torch.inference_mode():
                for _ in range(self.decode):
                    answer = engine.model(newest, past_key_values=cache, use_cache=True)
                    cache, newest = answer.past_key_values, answer.logits[:, -1:].argmax(dim=-1)
            engine.synchronize()

        return round_


# The paper's 1024 tokens in and 16 out; vLLM's own latency benchmark runs 8 sequences (protocol: section 2.3).
PAPER = Latency(batch=8, prompt=1024, decode=16, whole=True, sets=("efficiency", "paper"))
BENCHMARKS = {
    "prefill-latency": Latency(batch=4, prompt=256, decode=0),
    "decode-latency": Latency(batch=4, prompt=64, decode=32),
    "first-token-latency": Latency(batch=1, prompt=1024, decode=0, sets=("efficiency",)),
    "token-latency": Latency(batch=1, prompt=64, decode=32, sets=("efficiency",)),
    "generation-latency": PAPER,
    "throughput": replace(PAPER, batch=16, per_token=True, metric="seconds per token"),
}
