"""A student whose every weight is its teacher's weight times a small trained matrix, and the plain checkpoint that it multiplies out to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_unicomp.methods.decoder import block_list
from pytest_unicomp.methods.distillation_architectures import READERS, WRITERS
from pytest_unicomp.methods.distillation_text import Row
from pytest_unicomp.methods.teaching import batches, run_decoder
from pytest_unicomp.methods.width import NORMS, smaller_config

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

# The norm whose output each part reads.
NORM_BEFORE = {"q_proj": NORMS[0], "k_proj": NORMS[0], "v_proj": NORMS[0], "gate_proj": NORMS[1], "up_proj": NORMS[1], "lm_head": NORMS[2]}


def principal_directions(teacher: PreTrainedModel, rows: Sequence[Row], size: int) -> tuple[torch.Tensor, dict[str, float]]:
    """Return an orthonormal basis (teacher's hidden size x `size`) of what the norms read, and per norm the share of energy inside it.

    The basis holds the leading eigenvectors of the second moment of the residual stream, every norm's input scaled to length one, as in
    SliceGPT (arXiv 2401.15024); one basis serves all layers, so that the stream can be added to. At full size it is the identity.
    """
    import torch

    moments: dict[str, torch.Tensor] = {}
    mask: dict[str, torch.Tensor] = {}

    def hook(name: str) -> Any:
        def tap(module: Any, entered: Any, left: Any) -> None:
            stream = torch.nn.functional.normalize(entered[0][mask["text"]].double(), dim=-1)
            moments[name] = moments.get(name, 0) + stream.T @ stream

        return tap

    norms = {name: module for name, module in teacher.named_modules() if name.rpartition(".")[2] in NORMS}
    hooks = [module.register_forward_hook(hook(name)) for name, module in norms.items()]
    try:
        with torch.inference_mode():
            for inputs in batches(rows, teacher.device):
                mask["text"] = inputs["text"]
                run_decoder(teacher, inputs)
    finally:
        for each in hooks:
            each.remove()
    scaled = {name: moment / moment.trace() for name, moment in moments.items()}
    total = torch.stack(list(scaled.values())).sum(0)
    width = total.shape[0]
    basis = torch.eye(width, dtype=torch.float64, device=total.device) if size == width else torch.linalg.eigh(total)[1].flip(1)[:, :size]
    return basis, {name: float((basis.T @ moment @ basis).trace()) for name, moment in scaled.items()}


def projected(teacher: PreTrainedModel, basis: torch.Tensor, energy: dict[str, float]) -> PreTrainedModel:
    """Return a student of hidden size `basis.shape[1]`, float32, whose weights are computed from `teacher`'s in every forward pass.

    Low-Rank Clone (arXiv 2505.12781): a weight that reads the residual stream (out x hidden) is W P, one that writes into it (hidden x in)
    is P^T W, embedding and lm_head are W P; P (hidden x student's hidden) is trained, W is not. Trained are the projections and the norms
    (`requires_grad`); biases and all else are the teacher's. It starts as the teacher seen through `basis`: the teacher's norm weights go into the
    projections behind them, unless embedding and lm_head share theirs, and a norm's weight makes up for the energy that is lost.
    """
    import torch
    from torch.nn.utils import parametrize
    from transformers import AutoModelForCausalLM

    class Projection(torch.nn.Module):
        """Computes a weight from the teacher's, which is no parameter and is not saved."""

        def __init__(self, weight: torch.Tensor, first: torch.Tensor, *, writes: bool) -> None:
            super().__init__()
            self.register_buffer("teacher", weight.detach(), persistent=False)
            self.first, self.writes = first.float(), writes

        def right_inverse(self, weight: torch.Tensor) -> torch.Tensor:
            return self.first

        def forward(self, projection: torch.Tensor) -> torch.Tensor:
            weight: Any = self.teacher
            if weight.dtype != projection.dtype and not torch.is_autocast_enabled(projection.device.type):
                weight = weight.to(projection.dtype)
            found: torch.Tensor = projection.T @ weight if self.writes else weight @ projection
            return found

    size = basis.shape[1]
    config = smaller_config(teacher.config, size, teacher.config.intermediate_size)
    student = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    student.generation_config = teacher.generation_config
    basis = basis.to("cpu")
    theirs = {name: value.detach() for name, value in teacher.state_dict().items()}
    student.requires_grad_(False)
    for name, module in list(student.named_modules()):
        part = name.rpartition(".")[2]
        if part in NORMS:
            module.weight.data = _norm(
                theirs[f"{name}.weight"].cpu().double(), basis, energy[name], tied=config.tie_word_embeddings and part == NORMS[2]
            )
            module.weight.requires_grad_(True)
        elif part in ("q_norm", "k_norm"):
            module.weight.data = theirs[f"{name}.weight"].cpu().float().clone()
            module.weight.requires_grad_(True)
        elif part == "lm_head" and config.tie_word_embeddings:
            continue
        elif part in (*READERS, *WRITERS, "embed_tokens", "lm_head"):
            scale = (
                theirs[f"{_norm_name(name)}.weight"].cpu().double() if part in NORM_BEFORE else torch.ones(len(basis), dtype=torch.float64)
            )
            projection = Projection(theirs[f"{name}.weight"], scale[:, None] * basis, writes=part in WRITERS)
            if getattr(module, "bias", None) is not None:
                module.bias.data = theirs[f"{name}.bias"].cpu().float().clone()
            parametrize.register_parametrization(module, "weight", projection, unsafe=True)
            module.parametrizations.weight.original.requires_grad_(True)
    if config.tie_word_embeddings:
        student.lm_head = _tied_head(student.model.embed_tokens)
    return student


def multiplied_out(student: PreTrainedModel) -> PreTrainedModel:
    """Return the plain model that computes what `student` computes: every projection multiplied out, in float32, on the CPU."""
    import torch
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_config(student.config, dtype=torch.float32).eval()
    modules = dict(student.named_modules())
    with torch.no_grad():
        for name, value in plain.named_parameters():
            module, _, kind = name.rpartition(".")
            value.copy_(getattr(modules[module], kind))
    plain.generation_config = student.generation_config
    return plain


def _norm(theirs: torch.Tensor, basis: torch.Tensor, energy: float, *, tied: bool) -> torch.Tensor:
    """Return the student's first norm weight (student's hidden size).

    A norm divides by the root of the mean square over its own channels: for a share `energy` of the square kept in k of d channels, the
    teacher's normed stream seen through the basis is the student's times sqrt(energy d / k).
    """
    import torch

    width, size = basis.shape
    factor = (energy * width / size) ** 0.5
    # A shared matrix cannot take up the norm's weight for the head alone: the nearest diagonal in the basis stands for it.
    kept = torch.einsum("ds,d,ds->s", basis, theirs, basis) if tied else torch.ones(size, dtype=torch.float64)
    found: torch.Tensor = (kept * factor).float()
    return found


def _norm_name(name: str) -> str:
    """Return the norm that a part reads: `model.layers.3.self_attn.q_proj` reads `model.layers.3.input_layernorm`."""
    part = name.rpartition(".")[2]
    return "model.norm" if part == "lm_head" else ".".join([*name.split(".")[:-2], NORM_BEFORE[part]])


def _tied_head(embedding: Any) -> Any:
    """Return a head that reads the embedding's weight, whatever that is computed from; the embedding stays registered once."""
    import torch

    class TiedHead(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shared = (embedding,)

        def forward(self, hidden: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = torch.nn.functional.linear(hidden, self.shared[0].weight)
            return found

    return TiedHead()


def taps(model: PreTrainedModel) -> dict[str, Any]:
    """Return the modules whose outputs are compared, by dotted name: q, k, v, attention output, gate, up, feed-forward output of each block."""
    prefix = block_list(model)[0]
    return {
        name: module
        for name, module in model.named_modules()
        if name.startswith(prefix) and name.rpartition(".")[2] in (*READERS, *WRITERS)
    }
