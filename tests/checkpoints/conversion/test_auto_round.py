"""What AutoRound writes is evaluated with the weights that AutoRound rounded to."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp import engine
from pytest_unicomp.checkpoints import checks, conversion
from pytest_unicomp.checkpoints.formats import auto_round
from tests.methods import tiny


def rounded(source: Path, folder: Path, packing: str, **settings: Any) -> tuple[Path, dict[str, Any]]:
    """Let AutoRound round `source` to the nearest codes and export it; return its folder, and its weights as it simulates them."""
    quantizer = pytest.importorskip("auto_round", reason="pip install auto-round to write its format")
    from transformers import AutoTokenizer

    before = logging.root.manager.disable
    made = {}
    for form in ("fake", packing):
        how = quantizer.AutoRound(
            tiny.load(source), AutoTokenizer.from_pretrained(source), iters=0, group_size=32, disable_opt_rtn=True, **settings
        )
        how.quantize_and_save(str(folder / form), format=form)
        made[form] = next((folder / form).rglob("config.json")).parent
    logging.disable(before)
    from safetensors.torch import load_file

    return made[packing], load_file(made["fake"] / "model.safetensors")


@pytest.mark.parametrize(("packing", "symmetric"), [("auto_round:auto_gptq", True), ("auto_round", False), ("auto_round:auto_awq", False)])
def test_each_packing_is_unpacked_to_what_autoround_simulates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing: str, symmetric: bool
) -> None:
    # AutoRound leaves a folder of its own where it runs.
    monkeypatch.chdir(tmp_path)
    source = tiny.checkpoint(tmp_path / "model", dtype="bfloat16")
    layers = {"model.layers.0.mlp.down_proj": {"bits": 16}}
    if "awq" not in packing:
        layers["model.layers.1.mlp.up_proj"] = {"bits": 8}
    folder, weights = rounded(source, tmp_path / "made", packing, bits=4, sym=symmetric, layer_config=layers)
    assert conversion.needed(folder) == ("awq" if "awq" in packing else "gptq")
    conversion.require_convertible(folder)
    (tmp_path / "converted").mkdir()
    conversion.convert(folder, tmp_path / "converted")
    model = engine.load(tmp_path / "converted", device="cpu", dtype="float32").model
    for name, parameter in model.named_parameters():
        if name.endswith("_proj.weight"):
            # Where its simulation leaves the range of the codes, AutoRound's own packing wraps around: two of 32768 codes here.
            differing = (parameter.data - weights[name].float()).abs() > 1e-3 + 0.01 * parameter.data.abs()
            assert float(differing.float().mean()) < 1e-3
    found = {finding.check: finding for finding in checks.inspect(folder, source)}
    assert found["declared-bits"].status == "pass", found["declared-bits"].found
    assert found["positive-scales"].status == "pass", found["positive-scales"].found


@pytest.mark.parametrize(
    "changes", [{"packing_format": "auto_round:mlx"}, {"data_type": "mx_fp"}, {"act_bits": 8}, {"rotation_config": {"hidden": 64}}]
)
def test_a_packing_that_is_not_read_here_keeps_its_name(changes: dict[str, Any]) -> None:
    stated = {"quant_method": "auto-round", "packing_format": "auto_round:auto_gptq", "bits": 4, "group_size": 32, "sym": True} | changes
    assert auto_round.as_packed(stated) == stated


def test_other_declarations_stay_as_they_are() -> None:
    stated = {"quant_method": "gptq", "bits": 4, "packing_format": "auto_round:auto_gptq"}
    assert json.dumps(auto_round.as_packed(stated)) == json.dumps(stated)
