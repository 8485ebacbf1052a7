"""Round weights to 4-bit floats in NVIDIA's format, without data (NVFP4: NVIDIA 2025, arXiv 2509.25149)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_unicomp.methods.preset_scheme import PresetScheme
from pytest_unicomp.methods.support import has_experts


@dataclass(frozen=True)
class Nvfp4(PresetScheme):
    """FP4 E2M1 weights, an FP8 E4M3 scale for 16 consecutive inputs of an output channel and a float32 scale for the whole matrix.

    Activations keep their dtype (scheme NVFP4A16).
    """

    scheme: str = "NVFP4A16"
    method: ClassVar[str] = "nvfp4a16"

    @property
    def multiple(self) -> int:
        """The inputs that share a scale."""
        return 16

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Refuse experts, and what every method refuses."""
        if has_experts(config):
            return "transformers loads experts without the second scales that NVFP4 writes; mxfp4a16 has one scale alone"
        return super().refusal(config)


RECIPES = {"nvfp4a16": Nvfp4()}
