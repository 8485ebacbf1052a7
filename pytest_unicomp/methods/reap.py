"""Remove the experts that contribute least to the output, with llm-compressor (REAP: Lasby et al. 2025, arXiv 2510.13999)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.one_shot import OneShotMethod
from pytest_unicomp.methods.support import EXPERT_COUNTS, has_experts

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Reap(OneShotMethod):
    """Per layer, drop the share `share` of experts of lowest mean router weight x ||output||_2 over the tokens routed to each."""

    share: float = 0.25
    method: ClassVar[str] = "reap"
    family: ClassVar[Family] = "pruning"
    calibrated: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("llmcompressor", "transformers")

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Refuse models without experts or with too few, and what every method refuses."""
        if reason := super().refusal(config):
            return reason
        if not has_experts(config):
            return "it has no experts to remove"
        experts = next(int(config[key]) for key in EXPERT_COUNTS if config.get(key))
        dropped, needed = int(experts * self.share), int(config.get("num_experts_per_tok") or 1)
        if not dropped or experts - dropped < needed:
            return f"{self.share:g} of its {experts} experts are {dropped}, and the router needs {needed}"
        return None

    def modifiers(self, model: PreTrainedModel) -> Sequence[Any]:
        """Return llm-compressor's REAP."""
        from llmcompressor.modifiers.pruning.reap import REAPPruningModifier

        return [REAPPruningModifier(sparsity=self.share)]


RECIPES = {"reap-25": Reap(), "reap-50": Reap(share=0.5)}
