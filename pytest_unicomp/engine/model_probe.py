"""Finds out by trying whether a model can be read with shared beginnings: its answers to a few tokens must be those of the plain forward pass."""

from __future__ import annotations

import logging
import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from pytest_unicomp.engine import context_limits
from pytest_unicomp.engine.attention import Way, grouped, ways
from pytest_unicomp.engine.kv_cache import growing
from pytest_unicomp.engine.last_layer import LastLayer
from pytest_unicomp.engine.lm_head import Head
from pytest_unicomp.engine.loglikelihood import Answer, Asked, Questions, distinct, read
from pytest_unicomp.engine.prefix_tree import Block, Tree

# Attention that looks at every earlier key, or at the nearest ones only; other layers keep a state in place of keys.
KEYED = {"full_attention", "sliding_attention", "chunked_attention"}
# How far two ways of computing one log-probability may be apart: rounding alone, far below what a wrong position or mask does.
TOLERANCE = {"float32": 1e-4, "float64": 1e-4}
ROUGH = 0.1
BEGINNING, PIECE_SIZE = 6, 4


@dataclass(frozen=True)
class Support:
    """How a model is read: `head` None means by lm-eval's own code; `window` is the length up to which beginnings are shared, 0 for never.

    `reason` says what the model cannot do, None where it can do all; `way` is how its attention is computed. Texts are `written` by us, or by
    lm-eval's own code.
    """

    head: Head | None
    window: int | None
    reason: str | None = None
    way: Way = "plain"
    written: bool = False

    def reading(self, model: Any) -> AbstractContextManager[None]:
        """Return the block within which the model reads and writes."""
        return nullcontext() if self.way == "plain" else grouped(model)


def support(model: Any) -> Support:
    """Try a loaded causal model with about thirty tokens; whatever it raises is a reason, never an error."""
    config = model.config.get_text_config()
    if getattr(model, "_is_stateful", False) or getattr(config, "is_encoder_decoder", False):
        return Support(None, 0, "it keeps a state in place of keys and values")
    found = _read(model)
    return replace(found, written=_writes(model, found))


def _read(model: Any) -> Support:
    """Find out how sequences are read."""
    import torch

    config = model.config.get_text_config()
    if not set(getattr(config, "layer_types", None) or KEYED) <= KEYED:
        return Support(None, 0, "some of its layers keep a state in place of keys and values")
    try:
        with torch.inference_mode():
            plain = _plain(model)
            heads = [*_sparing(model, plain), Head(model, plain=plain)]
    except Exception as error:  # noqa: BLE001 - a model of a stranger may raise anything; it is then read as lm-eval reads it
        return Support(None, 0, f"its output layer cannot be asked for single positions ({type(error).__name__}: {error})")
    reason = None
    for way, head in product(ways(model), heads):
        try:
            with torch.inference_mode():
                apart = _apart(model, Support(head, None, way=way))
        except Exception as error:  # noqa: BLE001 - as above
            reason = f"its attention takes no mask or no cache of ours ({type(error).__name__}: {error})"
            continue
        if apart <= _tolerance(model):
            return Support(head, context_limits.shareable(model), way=way)
        reason = f"its answers change by {apart:.2g} nats when beginnings are shared"
    return Support(heads[-1], 0, reason)


def _sparing(model: Any, plain: bool) -> list[Head]:
    """Return the head that spares the last layer what nobody asks about, where the model names its parts."""
    try:
        return [Head(model, plain=plain, last=LastLayer(model))]
    except (AttributeError, ValueError):
        return []


def _writes(model: Any, how: Support) -> bool:
    """Say whether padded rows can be written on and leave; where not, say why."""
    import torch

    try:
        with torch.inference_mode(), how.reading(model):
            apart = _written(model)
    except Exception as error:  # noqa: BLE001 - as above
        reason = f"it keeps nothing to go on from ({type(error).__name__}: {error})"
    else:
        if apart <= _tolerance(model):
            return True
        reason = f"what it says next changes by {apart:.2g} nats beside other rows"
    logging.getLogger(__name__).warning("unicomp: %s writes texts by lm-eval's own code: %s.", type(model).__name__, reason)
    return False


def _tolerance(model: Any) -> float:
    return TOLERANCE.get(str(model.dtype).removeprefix("torch."), ROUGH)


def _further(apart: float, difference: float) -> float:
    """Return the larger of a distance and the size of a difference; what is no number is infinitely far."""
    return math.inf if math.isnan(difference) else max(apart, abs(difference))


def _tokens(model: Any, count: int) -> list[int]:
    vocabulary = int(model.get_output_embeddings().weight.shape[0])
    return [1 + (7 + 13 * number * number) % max(1, vocabulary - 1) for number in range(count)]


def _plain(model: Any) -> bool:
    """Say whether the model's logits are what its output layer makes of its last hidden states, and its positions those of its input."""
    import torch

    layer = model.get_output_embeddings()
    seen: list[Any] = []
    handle = layer.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    ids = torch.tensor([_tokens(model, 5)], device=model.device)
    try:
        logits = model(input_ids=ids, use_cache=False).logits
    finally:
        handle.remove()
    if len(seen) != 1 or seen[0].shape[:2] != ids.shape or logits.shape[:2] != ids.shape:
        raise ValueError("it is not asked once, for all positions")
    return bool(torch.equal(layer(seen[0]).float(), logits.float()))


def _apart(model: Any, how: Support) -> float:
    """Return the largest difference, in nats, between answers with shared beginnings and those of each sequence read alone."""
    import torch

    tokens = _tokens(model, 24)
    beginning, rest = tokens[:BEGINNING], tokens[BEGINNING:]
    contexts = [beginning + rest[:4], beginning + rest[4:6]]
    options = [rest[6:9], rest[9:10], rest[10:14], rest[14:16]]
    asked = [Asked(tuple((context + option)[:-1]), tuple(option)) for context in contexts for option in options]
    readings, askers = distinct(asked, range(len(asked)))
    places = {reading.tokens: place for place, reading in enumerate(readings)}
    trees = [Tree(len(context), tuple(dict.fromkeys(places[tuple((context + option)[:-1])] for option in options))) for context in contexts]
    # Trees with branches are read with a mask; sequences without any are not.
    lines = [Tree(len(reading.tokens), (place,)) for place, reading in enumerate(readings)]
    found: list[tuple[int, Answer]] = []
    assert how.head is not None
    with how.reading(model):
        for some in (trees, lines):
            block = Block(BEGINNING, tuple(some))
            read(model, how.head, [block], Questions(asked, readings, askers), lambda *answer: found.append(answer), how.way, PIECE_SIZE)
    apart = 0.0
    for place, answer in found:
        question = asked[place]
        logits = model(input_ids=torch.tensor([question.tokens], device=model.device), use_cache=False).logits[0]
        chosen = logits[-len(question.targets) :].float().log_softmax(-1)
        alone = float(chosen[torch.arange(len(question.targets)), torch.tensor(question.targets)].sum())
        apart = _further(apart, alone - answer.log_likelihood)
    return apart


def _written(model: Any) -> float:
    """Return the largest difference, in nats, between what rows of two lengths say next side by side and what each says alone; the longer leaves."""
    import torch

    long, short = _tokens(model, 8), _tokens(model, 5)[::-1]
    rows, added = [long[:6], short[:3]], [long[6:], short[3:]]
    mask = torch.tensor([[1] * 6, [0] * 3 + [1] * 3], device=model.device)
    given = [long[:6], [0] * 3 + short[:3]]
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    cache = growing(model.config, 8)
    apart = 0.0
    for step in range(3):
        settings = {"past_key_values": cache, "use_cache": True, "logits_to_keep": 1}
        ids = torch.tensor(given, device=model.device)
        said = model(input_ids=ids, attention_mask=mask, position_ids=positions, **settings).logits[:, -1].float().log_softmax(-1)
        for row, beside in zip(rows, said, strict=True):
            alone = model(input_ids=torch.tensor([row], device=model.device), use_cache=False).logits[0, -1].float().log_softmax(-1)
            likeliest = int(alone.argmax())
            apart = _further(apart, float(alone[likeliest] - beside[likeliest]))
        if step == 1:
            cache.batch_select_indices(torch.tensor([1], device=model.device))
            rows, added, mask = rows[1:], added[1:], mask[1:]
        if step < 2:
            given = [[tokens[step]] for tokens in added]
            rows = [row + token for row, token in zip(rows, given, strict=True)]
            positions = mask.sum(1, keepdim=True)
            mask = torch.nn.functional.pad(mask, (0, 1), value=1)
    return apart
