"""AutoRound's checkpoints, whose codes are packed as GPTQ or AutoAWQ pack them; only the declaration is AutoRound's own.

Source: auto_round/export/export_to_autoround/export.py and auto_round/inference/convert_model.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

METHOD = "auto-round"
# To each packing how GPTQ would call it: zero points stored less one, or as they are.
GPTQ = {
    **dict.fromkeys(("auto_gptq", "auto_round:auto_gptq", "auto_round:gptq"), "gptq"),
    **dict.fromkeys(("auto_round", "auto_round:gptqmodel"), "gptq_v2"),
}
AWQ = ("auto_awq", "auto_round:auto_awq", "auto_round:awq")
PATTERN = re.compile(r"[*^$\\[\](){}+?|]")


def as_packed(quantization: Mapping[str, Any]) -> dict[str, Any]:
    """Return a `quantization_config` in GPTQ's or AutoAWQ's words if it is AutoRound's and packed so; any other as it is.

    Integers whose inputs stay in 16 bits are packed so.
    """
    stated = dict(quantization)
    packing = str(stated.get("packing_format") or "")
    integer = stated.get("data_type", "int") == "int" and int(stated.get("act_bits") or 16) >= 16 and not stated.get("rotation_config")
    if stated.get("quant_method") != METHOD or not integer:
        return stated
    known = {"bits": stated.get("bits"), "group_size": stated.get("group_size"), "sym": stated.get("sym", True)}
    others = stated.get("extra_config") or {}
    if packing in GPTQ:
        return {"quant_method": "gptq", "checkpoint_format": GPTQ[packing], "dynamic": dict(map(_rule, others.items())), **known}
    if packing in AWQ:
        dense = [name for name, changes in others.items() if int(changes.get("bits", 4)) >= 16]
        return {"quant_method": "awq", "version": "gemm", "zero_point": not known["sym"], "modules_to_not_convert": dense, **known}
    return stated


def _rule(entry: tuple[str, Mapping[str, Any]]) -> tuple[str, dict[str, Any]]:
    """Return one layer's own settings as a rule of GPTQModel's `dynamic`: a sign, a pattern for the name, and what changes."""
    name, changes = entry
    pattern = name if PATTERN.search(name) else f"^{re.escape(name)}$"
    left_out = int(changes.get("bits", 4)) >= 16
    return ("-:" if left_out else "+:") + pattern, {} if left_out else dict(changes)
