"""Turn fused experts (one 3-D weight for all) into Linear layers before compression, and back if the checkpoint stays dense."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_unicomp.engine.quiet_libraries import quiet_with_captured_output
from pytest_unicomp.methods.support import has_experts

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def split_experts(model: PreTrainedModel) -> PreTrainedModel:
    """Replace fused experts by one Linear per expert and matrix, in place, with llm-compressor; outputs stay the same.

    transformers 5 keeps experts as 3-D parameters, which a search for Linear layers does not find. A dense model is returned unchanged.
    """
    if not has_experts(model.config.to_dict()):
        return model
    with quiet_with_captured_output():
        from llmcompressor.modeling.moe.linearize import linearize_moe

        linearize_moe(model)
    return model


def join_experts(model: PreTrainedModel) -> PreTrainedModel:
    """Fuse what `split_experts` split, in place, so that a dense checkpoint has the names of the architecture."""
    if not has_experts(model.config.to_dict()):
        return model
    with quiet_with_captured_output():
        from llmcompressor.modeling.moe.linearize import repack_moe

        repack_moe(model)
    return model
