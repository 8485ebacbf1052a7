from __future__ import annotations

import json
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_unicomp.api.errors import InfrastructureError, UnicompError, UsageProblem
from pytest_unicomp.api.records import Model
from pytest_unicomp.api.registry import methods
from pytest_unicomp.run.compress import Compression, compress
from pytest_unicomp.store.local import Store
from tests.methods.tiny import calibration, checkpoint, run
from tests.toys import reference


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The system refuses to let any file of this process grow beyond `size` bytes, as a full disk does."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.fixture
def model(llama: Path) -> Model:
    return reference(str(llama))


def how(root: Path) -> Compression:
    return Compression(
        store=Store(root),
        seed=3,
        device="cpu",
        calibration_identity=lambda: {"test": 1},
        calibration=calibration,
        progress=lambda message: None,
        detail=lambda message: None,
    )


@pytest.mark.parametrize("recipe", ["wanda-50", "autoawq-w4a16"])
def test_a_folder_that_was_copied_away_still_says_how_it_was_made(recipe: str, model: Model, tmp_path: Path) -> None:
    artifact = compress(model, recipe, methods()[recipe], how(tmp_path / "store"))
    copied = shutil.copytree(artifact.path, tmp_path / "copied")
    record = json.loads((copied / "unicomp.json").read_text())
    assert record["recipe"] == recipe
    assert record["settings"] == {"method": methods()[recipe].method, **methods()[recipe].settings()}
    assert record["reference"]["fingerprint"] == model.fingerprint
    assert record["fingerprint"] == artifact.fingerprint == reference(str(copied)).fingerprint
    assert record["calibration"]["digest"] == calibration().record.digest
    assert (record["seed"], record["device"]) == (3, "cpu")
    assert 0 < record["seconds"] < 600
    assert record["peak_bytes"] is None or record["peak_bytes"] > 0
    expected = {"torch", "transformers", "llmcompressor", "compressed-tensors"} | ({"autoawq"} if recipe.startswith("autoawq") else set())
    assert set(record["versions"]) == expected
    assert "not installed" not in record["versions"].values()


def test_a_method_without_data_names_no_calibration(model: Model, tmp_path: Path) -> None:
    artifact = compress(model, "rtn-w4a16", methods()["rtn-w4a16"], how(tmp_path))
    assert json.loads((Path(artifact.path) / "unicomp.json").read_text())["calibration"] is None


@pytest.mark.parametrize("recipe", ["magnitude-50", "gptq-w4a16", "autoawq-w4a16"])
def test_a_full_disk_is_an_infrastructure_error_and_leaves_nothing(recipe: str, model: Model, tmp_path: Path) -> None:
    with files_of_at_most(100_000), pytest.raises(InfrastructureError, match="unicomp: "):
        compress(model, recipe, methods()[recipe], how(tmp_path))
    assert [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()] == []
    assert compress(model, recipe, methods()[recipe], how(tmp_path)).recipe == recipe


def test_a_model_that_is_quantized_already_is_refused_before_any_work(llama: Path, tmp_path: Path) -> None:
    quantized = reference(str(run("rtn-w4a16", llama, tmp_path / "quantized")))
    for name, method in methods().items():
        if method.family not in ("pruning", "quantization"):
            continue
        with pytest.raises(UsageProblem, match=r"quantized already \(compressed-tensors\); give the full-precision checkpoint") as caught:
            compress(quantized, name, method, how(tmp_path / "store"))
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("recipe", ["gptq-w8a16", "awq-w4a16", "autoawq-w4a16", "sparsegpt-2of4"])
def test_a_group_that_does_not_divide_a_layer_names_the_layer(recipe: str, tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "model", intermediate_size=130)
    with pytest.raises(UnicompError, match=r"inputs, but layer model\.layers\.0\.mlp\.down_proj has 130") as caught:
        run(methods()[recipe], source, tmp_path / "out", calibration())
    assert str(caught.value).startswith("unicomp: ")


@pytest.mark.parametrize("recipe", ["awq-w4a16", "autoawq-w4a16", "smoothquant-w8a8", "sparsegpt-50", "sparsegpt-2of4-fp8"])
def test_missing_or_short_calibration_text_is_said_in_one_line(recipe: str, llama: Path, tmp_path: Path) -> None:
    with pytest.raises(UnicompError, match=f"{methods()[recipe].method} needs calibration text and got none"):
        run(recipe, llama, tmp_path / "none")
    with pytest.raises(UnicompError, match="text of 20 tokens in 1 documents, expected at least 256"):
        run(recipe, llama, tmp_path / "short", calibration(documents=1, tokens=20))


def test_a_missing_library_is_named_as_pip_knows_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import importlib.util

    from pytest_unicomp.config.resolve import resolve
    from pytest_unicomp.run.candidates import candidates

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: None if name == "awq" else found(name, package))
    settings = resolve({"model": "nano", "recipe": ["autoawq-w4a16"]}, {})
    with pytest.raises(UsageProblem, match=r"recipe 'autoawq-w4a16' needs autoawq, which is not installed here; pip install autoawq\."):
        candidates(settings)
