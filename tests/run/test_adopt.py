from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.registry import methods
from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.run import adopt, compress
from pytest_unicomp.store.local import Store
from tests.checkpoints.gguf import gguf_toys
from tests.methods.tiny import calibration, checkpoint
from tests.run.test_compress import how
from tests.toys import reference


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gguf_toys.write(NANO, tmp_path_factory.mktemp("gguf") / "nano-Q8_0.gguf")


def test_a_checkpoint_made_elsewhere_costs_what_its_own_record_says_of_these_weights(tmp_path: Path) -> None:
    model = reference(str(checkpoint(tmp_path / "model")))
    store = Store(tmp_path / "store")
    made = compress.compress(model, "rtn-w8a16", methods()["rtn-w8a16"], how(tmp_path / "store", calibration(documents=1)))
    copied = tmp_path / "copied"
    shutil.copytree(made.path, copied)
    adopted = adopt.adopt("theirs", str(copied), model, None, store, lambda step: None)
    assert (adopted.compress_seconds, adopted.compress_peak_bytes) == (made.compress_seconds, made.compress_peak_bytes)
    assert (adopted.training_tokens, adopted.compress_joules) == (None, None)
    record = json.loads((copied / "unicomp.json").read_text(encoding="utf-8"))
    for wrong in ({**record, "fingerprint": "0" * 64}, {**record, "seconds": "soon"}, [record]):
        (copied / "unicomp.json").write_text(json.dumps(wrong), encoding="utf-8")
        assert adopt.adopt("theirs", str(copied), model, None, store, lambda step: None).compress_seconds is None


def test_a_gguf_candidate_is_unpacked_once_and_keeps_the_size_of_its_file(nano, tmp_path):
    steps: list[str] = []
    made = [adopt.adopt("theirs", str(nano), reference(), None, Store(tmp_path), lambda step: steps.append(str(step))) for _ in range(2)]
    assert made[0] == made[1]
    assert steps == ["convert theirs: GGUF llama: Q8_0 100 % of the weights"]
    assert made[0].bytes == nano.stat().st_size
    assert made[0].bits_per_weight == pytest.approx(8.5, abs=0.05)
    assert made[0].settings["original"]["path"] == str(nano)
    assert made[0].parameters == reference().parameters


def test_a_gguf_reference_is_described_by_its_file_and_loaded_from_the_store(nano, tmp_path):
    model = adopt.reference(str(nano), None, Store(tmp_path), lambda step: None)
    assert model.bytes == nano.stat().st_size
    assert (Path(model.path) / "model.safetensors").is_file()
    dense = adopt.dense(model, Store(tmp_path))
    assert (dense.bytes, dense.fingerprint) == (model.bytes, model.fingerprint)


def test_a_gguf_file_that_cannot_be_unpacked_is_refused_before_anything_runs(tmp_path):
    path = gguf_toys.write(NANO, tmp_path / "nano.gguf", stated={"attention.surprise": 7})
    with pytest.raises(UsageProblem, match="not understood here; serve it with llama-server"):
        adopt.require_convertible(str(path), None)


@pytest.mark.parametrize(
    ("base", "reference", "refused"),
    [
        ("org/base-7b", "org/base-7b", None),
        ("org/base-7b", "/models/base-7b", None),
        ("nano", "org/other-7b", None),
        ("org/base-7b", "org/other-7b", "was made for org/base-7b, which is not here, and the reference is org/other-7b; give"),
        ("org/base-7b", "nano", "was made for org/base-7b, which is not here, and the reference is nano; give"),
    ],
)
def test_an_adapter_is_merged_into_its_base_if_that_is_here_or_the_reference(
    tmp_path: Path, base: str, reference: str, refused: str | None
) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": base}))
    said = ""
    try:
        adopt.require_base(str(tmp_path), None, reference)
    except UsageProblem as problem:
        said = str(problem)
    assert refused in said if refused else said == ""
