"""Round weights to 4-bit floats in the open microscaling format, without data (MXFP4: Rouhani et al. 2023, arXiv 2310.10537)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pytest_unicomp.methods.preset_scheme import PresetScheme


@dataclass(frozen=True)
class Mxfp4(PresetScheme):
    """FP4 E2M1 weights and a scale for 32 consecutive inputs of an output channel, which is a power of two (E8M0).

    Activations keep their dtype (scheme MXFP4A16).
    """

    scheme: str = "MXFP4A16"
    method: ClassVar[str] = "mxfp4a16"

    @property
    def multiple(self) -> int:
        """The inputs that share a scale."""
        return 32


RECIPES = {"mxfp4a16": Mxfp4()}
