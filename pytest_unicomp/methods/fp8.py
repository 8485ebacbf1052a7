"""Store weights and round activations in 8-bit floats, without data (Micikevicius et al. 2022, arXiv 2209.05433)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pytest_unicomp.methods.preset_scheme import PresetScheme

BLOCK = "FP8_BLOCK"


@dataclass(frozen=True)
class Fp8(PresetScheme):
    """FP8 E4M3, a scale being max|w| / 448, in one of two schemes of llm-compressor.

    FP8_DYNAMIC: one scale per output channel of the weights and one per token of the activations, found as they come; the fast path of
    accelerators since compute capability 8.9. FP8_BLOCK: one scale per 128 x 128 block of the weights and per 128 consecutive activations of
    a token, as DeepSeek-V3 was trained (arXiv 2412.19437).
    """

    scheme: str = "FP8_DYNAMIC"
    method: ClassVar[str] = "fp8"

    @property
    def multiple(self) -> int:
        """The activations that share a scale, if not all of a token do."""
        return 128 if self.scheme == BLOCK else 1


RECIPES = {"fp8-dynamic": Fp8(), "fp8-block": Fp8(BLOCK)}
