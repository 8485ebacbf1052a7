"""The sparsity that a recipe, or a checkpoint's own record, promises: a share of zeros and a pattern such as 2:4."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp.api.foreign import read_object

RECORD = "unicomp.json"
# What these leave of the zeros that an earlier step made; distillation trains them away.
KEEPING = ("pruning", "quantization")


@dataclass(frozen=True)
class Promise:
    """`sparsity` is the share of zeros in each linear layer of the decoder (0 to 1) or None, `pattern` "N:M" (N zeros in M inputs) or None;
    `source` names what promises it."""

    source: str
    sparsity: float | None = None
    pattern: str | None = None

    @staticmethod
    def of(family: str, settings: Mapping[str, Any], source: str) -> Promise:
        """Read the promise off a recipe's settings, or off the steps of a composed one."""
        if family not in KEEPING:
            return Promise(source)
        merged: dict[str, Any] = {}
        for step in (settings, *settings.get("steps", ())):
            merged |= {key: step[key] for key in ("sparsity", "pattern") if step.get(key) is not None}
        pattern = str(merged.get("pattern", "0:0"))
        return Promise(source, merged.get("sparsity"), None if pattern == "0:0" else pattern)


def recorded(folder: Path) -> Mapping[str, Any]:
    """Return the checkpoint's unicomp.json, or nothing if it has none; raises ForeignFile if it is no JSON object."""
    file = folder / RECORD
    if not file.is_file():
        return {}
    return read_object(file)


def promised(folder: Path, config: Mapping[str, Any]) -> Promise:
    """Return the sparsity that unicomp.json promises, else the one in config.json's `sparsity_config` (compressed-tensors), else an empty promise."""
    if record := recorded(folder):
        return Promise.of(str(record.get("family")), record.get("settings") or {}, RECORD)
    declared = (config.get("quantization_config") or {}).get("sparsity_config") or config.get("sparsity_config") or {}
    structure = str(declared.get("sparsity_structure") or "")
    pattern = structure if structure.partition(":")[0].isdigit() and structure != "0:0" else None
    # `global_sparsity` is the share over all weights, of which this format does not say which were meant: only the pattern binds.
    return Promise("config.json", float(pattern.split(":")[0]) / float(pattern.split(":")[1]) if pattern else None, pattern)
