"""Probes what a loaded model can do: do scoring with shared prefixes and batched generation give the results of the plain forward pass?"""

from __future__ import annotations

import logging
import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from pytest_unicomp.engine import context_limits
from pytest_unicomp.engine.attention import AttentionKind, grouped_query, supported_kinds
from pytest_unicomp.engine.kv_cache import preallocated
from pytest_unicomp.engine.last_decoder_layer import LastDecoderLayer
from pytest_unicomp.engine.lm_head import LMHead
from pytest_unicomp.engine.loglikelihood import Score, ScoringRequest, distinct_sequences, score_groups
from pytest_unicomp.engine.prefix_tree import PackedTree, PrefixGroup

# Layer types that keep keys and values; others, such as Mamba's, keep a recurrent state.
KV_CACHE_LAYERS = {"full_attention", "sliding_attention", "chunked_attention"}
# Largest difference, in nats, between two ways to compute a log-probability: rounding alone, far below the effect of a wrong position or mask.
TOLERANCE = {"float32": 1e-4, "float64": 1e-4}
TOLERANCE_16_BIT = 0.1
PREFIX_TOKENS, CHUNK_SIZE = 6, 4


@dataclass(frozen=True)
class Capabilities:
    """Results of the probe: what the engine may do with a model. If `lm_head` is None, lm-eval's own code scores it.

    `shared_prefix_limit` is the longest sequence, in tokens, that may share a prefix (None: any, 0: none). `reason` says what the model cannot do,
    None if it can do everything. `attention` is the kind to run it with. `batched_generation`: our own batched decoding generates its texts, else
    lm-eval's own code does.
    """

    lm_head: LMHead | None
    shared_prefix_limit: int | None
    reason: str | None = None
    attention: AttentionKind = "transformers"
    batched_generation: bool = False

    def attention_enabled(self, model: Any) -> AbstractContextManager[None]:
        """Return the block within which the model is to be run."""
        return nullcontext() if self.attention == "transformers" else grouped_query(model)


def probe(model: Any) -> Capabilities:
    """Run a loaded causal model on about thirty tokens and return its capabilities; an exception of the model becomes a reason."""
    config = model.config.get_text_config()
    if getattr(model, "_is_stateful", False) or getattr(config, "is_encoder_decoder", False):
        return Capabilities(None, 0, "it keeps a state in place of keys and values")
    found = _probe_scoring(model)
    return replace(found, batched_generation=_can_generate_batched(model, found))


def _probe_scoring(model: Any) -> Capabilities:
    """Find the fastest way to score that gives the right results."""
    import torch

    config = model.config.get_text_config()
    if not set(getattr(config, "layer_types", None) or KV_CACHE_LAYERS) <= KV_CACHE_LAYERS:
        return Capabilities(None, 0, "some of its layers keep a state in place of keys and values")
    try:
        with torch.inference_mode():
            unmodified = _logits_are_unmodified(model)
            heads = [*_heads_with_last_layer(model, unmodified), LMHead(model, unmodified=unmodified)]
    except Exception as error:  # noqa: BLE001 - an unknown model may raise anything; lm-eval's own code then scores it
        return Capabilities(None, 0, f"its output layer cannot be limited to single positions ({type(error).__name__}: {error})")
    reason = None
    for attention, lm_head in product(supported_kinds(model), heads):
        try:
            with torch.inference_mode():
                difference = _scoring_difference(model, Capabilities(lm_head, None, attention=attention))
        except Exception as error:  # noqa: BLE001 - as above
            reason = f"its attention takes no mask or no cache of ours ({type(error).__name__}: {error})"
            continue
        if difference <= _tolerance(model):
            return Capabilities(lm_head, context_limits.shared_prefix_limit(model), attention=attention)
        reason = f"its scores change by {difference:.2g} nats if prefixes are shared"
    return Capabilities(heads[-1], 0, reason)


def _heads_with_last_layer(model: Any, unmodified: bool) -> list[LMHead]:
    """Return the head that also limits the last decoder layer, or nothing if the model's modules are not named as in Llama."""
    try:
        return [LMHead(model, unmodified=unmodified, last_layer=LastDecoderLayer(model))]
    except (AttributeError, ValueError):
        return []


def _can_generate_batched(model: Any, capabilities: Capabilities) -> bool:
    """Return True if padded rows can be decoded together and removed; log the reason if not."""
    import torch

    try:
        with torch.inference_mode(), capabilities.attention_enabled(model):
            difference = _decoding_difference(model)
    except Exception as error:  # noqa: BLE001 - as above
        reason = f"it keeps no KV cache to continue from ({type(error).__name__}: {error})"
    else:
        if difference <= _tolerance(model):
            return True
        reason = f"its next token's log-probability changes by {difference:.2g} nats in a batch with other rows"
    logging.getLogger(__name__).warning("unicomp: texts of %s are generated by lm-eval's own code: %s.", type(model).__name__, reason)
    return False


def _tolerance(model: Any) -> float:
    return TOLERANCE.get(str(model.dtype).removeprefix("torch."), TOLERANCE_16_BIT)


def _larger(largest: float, difference: float) -> float:
    """Return the larger of `largest` and the size of a difference; NaN counts as infinite."""
    return math.inf if math.isnan(difference) else max(largest, abs(difference))


def _probe_tokens(model: Any, count: int) -> list[int]:
    vocabulary = int(model.get_output_embeddings().weight.shape[0])
    return [1 + (7 + 13 * number * number) % max(1, vocabulary - 1) for number in range(count)]


def _logits_are_unmodified(model: Any) -> bool:
    """Return True if the model's logits are the output of its output layer. Raises ValueError if that layer does not see all positions in one call."""
    import torch

    layer = model.get_output_embeddings()
    hidden: list[Any] = []
    handle = layer.register_forward_pre_hook(lambda _, arguments: hidden.append(arguments[0]))
    ids = torch.tensor([_probe_tokens(model, 5)], device=model.device)
    try:
        logits = model(input_ids=ids, use_cache=False).logits
    finally:
        handle.remove()
    if len(hidden) != 1 or hidden[0].shape[:2] != ids.shape or logits.shape[:2] != ids.shape:
        raise ValueError("it is not called once, for all positions")
    # accelerate returns the logits of a sharded model on the GPU of its first layers; the output layer may lie on another.
    return bool(torch.equal(layer(hidden[0]).to(logits.device).float(), logits.float()))


def _scoring_difference(model: Any, capabilities: Capabilities) -> float:
    """Return the largest difference, in nats, between scores with a shared prefix and those of each sequence by itself."""
    tokens = _probe_tokens(model, 24)
    prefix, rest = tokens[:PREFIX_TOKENS], tokens[PREFIX_TOKENS:]
    contexts = [prefix + rest[:4], prefix + rest[4:6]]
    options = [rest[6:9], rest[9:10], rest[10:14], rest[14:16]]
    requests = [ScoringRequest(tuple((context + option)[:-1]), tuple(option)) for context in contexts for option in options]
    distinct = distinct_sequences(requests, range(len(requests)))
    numbers = {sequence.tokens: number for number, sequence in enumerate(distinct.sequences)}
    with_branches = [
        PackedTree(len(context), tuple(dict.fromkeys(numbers[tuple((context + option)[:-1])] for option in options)))
        for context in contexts
    ]
    # Rows with branches are run with a mask, rows without branches are not: both must work.
    without_branches = [PackedTree(len(sequence.tokens), (number,)) for number, sequence in enumerate(distinct.sequences)]
    found: list[tuple[int, Score]] = []
    assert capabilities.lm_head is not None
    with capabilities.attention_enabled(model):
        for trees in (with_branches, without_branches):
            groups = [PrefixGroup(PREFIX_TOKENS, tuple(trees))]
            score_groups(
                model,
                capabilities.lm_head,
                groups,
                distinct,
                lambda index, score: found.append((index, score)),
                capabilities.attention,
                CHUNK_SIZE,
            )
    # Each request is scored twice above, and needs one plain pass: a pass reads all weights, which takes a large model longer than the tokens do.
    expected = [_log_likelihood(model, request) for request in requests]
    largest = 0.0
    for index, score in found:
        largest = _larger(largest, expected[index] - score.log_likelihood)
    return largest


def _log_likelihood(model: Any, request: ScoringRequest) -> float:
    """Return the log-probability of a request's targets in nats, from a plain forward pass over its tokens alone."""
    import torch

    logits = model(input_ids=torch.tensor([request.tokens], device=model.device), use_cache=False).logits[0]
    log_probabilities = logits[-len(request.targets) :].float().log_softmax(-1)
    return float(log_probabilities[torch.arange(len(request.targets)), torch.tensor(request.targets)].sum())


def _decoding_difference(model: Any) -> float:
    """Return the largest difference, in nats, of the next token's log-probability between two padded rows decoded together and each by itself.

    The longer row leaves the batch before the last step.
    """
    import torch

    long, short = _probe_tokens(model, 8), _probe_tokens(model, 5)[::-1]
    rows, continuations = [long[:6], short[:3]], [long[6:], short[3:]]
    mask = torch.tensor([[1] * 6, [0] * 3 + [1] * 3], device=model.device)
    inputs = [long[:6], [0] * 3 + short[:3]]
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    cache = preallocated(model.config, 8)
    largest = 0.0
    for step in range(3):
        settings = {"past_key_values": cache, "use_cache": True, "logits_to_keep": 1}
        ids = torch.tensor(inputs, device=model.device)
        batched = model(input_ids=ids, attention_mask=mask, position_ids=positions, **settings).logits[:, -1].float().log_softmax(-1)
        for row, in_batch in zip(rows, batched, strict=True):
            alone = model(input_ids=torch.tensor([row], device=model.device), use_cache=False).logits[0, -1].float().log_softmax(-1)
            likeliest = int(alone.argmax())
            largest = _larger(largest, float(alone[likeliest] - in_batch[likeliest]))
        if step == 1:
            cache.batch_select_indices(torch.tensor([1], device=model.device))
            rows, continuations, mask = rows[1:], continuations[1:], mask[1:]
        if step < 2:
            inputs = [[tokens[step]] for tokens in continuations]
            rows = [row + token for row, token in zip(rows, inputs, strict=True)]
            positions = mask.sum(1, keepdim=True)
            mask = torch.nn.functional.pad(mask, (0, 1), value=1)
    return largest
