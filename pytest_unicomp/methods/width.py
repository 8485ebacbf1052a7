"""Measure how much every hidden and feed-forward channel of a model matters, and cut the least ones out of all its matrices."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_unicomp.methods.decoder import block_list
from pytest_unicomp.methods.distillation_architectures import READERS, WRITERS
from pytest_unicomp.methods.distillation_text import Row
from pytest_unicomp.methods.teaching import batches, run_decoder

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

NORMS = ("input_layernorm", "post_attention_layernorm", "norm")


class Importance:
    """Sums over the rows of text seen so far: per tap and channel, the square over rows of the mean absolute activation over a row's tokens.

    Minitron's best aggregation is the mean over the sequence, of absolute values, and the L2 norm over the batch; scores of layers are added
    for a channel that all layers share (arXiv 2407.14679, section 2.2 and table of aggregations; kept in 2408.11796).
    """

    def __init__(self) -> None:
        """Start with no sums."""
        self.squares: dict[str, torch.Tensor] = {}

    def add(self, tap: str, activation: torch.Tensor, text: torch.Tensor) -> None:
        """Add activations (rows x tokens x channels); `text` (rows x tokens) is False for padding."""
        weight = text[..., None].to(activation.dtype)
        mean = ((activation.abs() * weight).sum(1) / weight.sum(1).clamp(min=1)).double()
        self.squares[tap] = self.squares.get(tap, 0) + mean.square().sum(0)

    def of(self, tap: str) -> torch.Tensor:
        """Return the scores (channels) of one tap."""
        return self.squares[tap].sqrt()


def importance(model: PreTrainedModel, rows: Sequence[Row]) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Return the importance of the hidden channels (hidden size), and per layer that of the feed-forward channels (intermediate size).

    Hidden channels are read behind every norm, feed-forward channels as inputs of the down projection, as in NVIDIA's code.
    """
    import torch

    found, hooks = Importance(), []
    masks: dict[str, torch.Tensor] = {}

    def tap(name: str, *, entering: bool) -> Any:
        def hook(module: Any, entered: Any, left: Any) -> None:
            found.add(name, (entered[0] if entering else left).float(), masks["text"])

        return hook

    layers = block_list(model)[1]
    for name, module in model.named_modules():
        last = name.rpartition(".")[2]
        if last in (*NORMS, "down_proj"):
            hooks.append(module.register_forward_hook(tap(name, entering=last == "down_proj")))
    try:
        with torch.inference_mode():
            for inputs in batches(rows, model.device):
                masks["text"] = inputs["text"]
                run_decoder(model, inputs)
    finally:
        for hook in hooks:
            hook.remove()
    norms = [name for name in found.squares if not name.endswith("down_proj")]
    hidden = torch.stack([found.of(name) for name in norms]).sum(0)
    downs = [name for name in found.squares if name.endswith("down_proj")]
    assert len(downs) == len(layers)
    return hidden.cpu(), [found.of(name).cpu() for name in downs]


def most_important(scores: torch.Tensor, count: int) -> list[int]:
    """Return the `count` channels of highest score in ascending order; of equal ones the first."""
    order = sorted(range(len(scores)), key=lambda channel: (-float(scores[channel]), channel))
    return sorted(order[:count])


def narrowed(model: PreTrainedModel, hidden: Sequence[int], feed_forward: Sequence[Sequence[int]]) -> PreTrainedModel:
    """Return a float32 copy of `model` with only the named hidden channels, and per layer only the named feed-forward channels.

    Attention heads and their size stay; every matrix, bias and norm that reads or writes a channel loses what belongs to a channel that goes.
    """
    import torch
    from transformers import AutoModelForCausalLM

    config = smaller_config(model.config, len(hidden), len(feed_forward[0]))
    student = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    prefix = block_list(model)[0]
    state = {
        name: _kept(name, value, prefix, torch.tensor(hidden), [torch.tensor(channels) for channels in feed_forward])
        for name, value in model.state_dict().items()
    }
    student.load_state_dict(state)
    student.generation_config = model.generation_config
    return student.eval()


def smaller_config(config: Any, hidden: int, feed_forward: int) -> Any:
    """Return a copy of the configuration with other sizes; the size of a head, which some derive from the hidden size, is written down."""
    made = copy.deepcopy(config)
    made.head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    made.hidden_size, made.intermediate_size = hidden, feed_forward
    return made


def _kept(name: str, value: torch.Tensor, prefix: str, hidden: torch.Tensor, feed_forward: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the kept rows (outputs) and columns (inputs) of one weight or bias, in float32 on the CPU."""
    module, _, kind = name.rpartition(".")
    part = module.rpartition(".")[2]
    value = value.detach().cpu().float()
    channels = (
        feed_forward[int(name.removeprefix(prefix + ".").partition(".")[0])] if part in ("gate_proj", "up_proj", "down_proj") else None
    )
    if part in ("gate_proj", "up_proj"):
        assert channels is not None
        value = value[channels]
    if part == "down_proj" and kind == "weight":
        assert channels is not None
        value = value[:, channels]
    if part in WRITERS or part in NORMS:
        value = value[hidden]
    elif kind == "weight" and part in (*READERS, "embed_tokens", "lm_head"):
        value = value[:, hidden]
    return value.clone()


def summary(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """Return a phrase such as "hidden 4096 to 3072, feed-forward 14336 to 9216"."""
    return ", ".join(f"{name} {before[name]} to {after[name]}" for name in before)
