"""Runs the packaged suites on nano inside pytester, with one store for the whole session so that each artifact is made once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.plugin.suites import suites
from pytest_unicomp.run.run import Run

LIMIT = 24
# A tenth of the calibration text that nano's recipes get by default: nothing here depends on how much there is.
AMOUNT = {"calibration_samples": 8, "calibration_tokens": 256}


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that already holds rtn-w8a16 and wanda-2of4 on two small benchmarks.

    Made in this process: pytester forgets modules that only the inner run imported, and torch cannot be imported twice.
    """
    folder = tmp_path_factory.mktemp("store")
    settings = resolve(
        {
            "model": "nano",
            "cache": str(folder),
            "recipe": ["rtn-w8a16,wanda-2of4"],
            "benchmark": ["nano-knowledge,nano-safety,bytes"],
            "limit": LIMIT,
            **AMOUNT,
        },
        {},
    )
    run = Run(settings)
    for cell in run.plan.cells:
        run.measurement(cell.recipe, cell.benchmark)
        run.reference(cell.benchmark)
    return folder


class Gate:
    """Runs pytest on the packaged suites and reads the report."""

    def __init__(self, pytester: pytest.Pytester, store: Path) -> None:
        self.pytester = pytester
        self.store = store

    def __call__(
        self,
        *arguments: str,
        model: str = "nano",
        recipe: str | None = "rtn-w8a16",
        benchmark: str | None = "nano-knowledge",
        drift: str = "off",
        path: Path | str | None = None,
        run: Callable[..., pytest.RunResult] | None = None,
    ) -> pytest.RunResult:
        words = [str(path or suites()), f"--unicomp-model={model}", f"--unicomp-cache={self.store}", "-p", "no:cacheprovider"]
        words += [f"--unicomp-limit={LIMIT}"] if not any(word.startswith("--unicomp-limit") for word in arguments) else []
        if "wanda" in f"{recipe}{arguments}" and not any("calibration" in word for word in arguments):
            words += [f"--unicomp-{option.replace('_', '-')}={amount}" for option, amount in AMOUNT.items()]
        words += [f"--unicomp-drift={drift}"] if drift else []
        words += [f"--unicomp-recipe={recipe}"] if recipe else []
        words += [f"--unicomp-benchmark={benchmark}"] if benchmark else []
        return (run or self.pytester.runpytest_inprocess)(*words, *arguments)

    def report(self, *arguments: str, **words: Any) -> dict[str, Any]:
        """Run with a JSON report and return it, with pytest's own exit code under "ret"."""
        path = self.pytester.path / "report.json"
        result = self(f"--unicomp-report={path}", *arguments, **words)
        return {**json.loads(path.read_text(encoding="utf-8")), "ret": int(result.ret), "result": result}


@pytest.fixture
def gate(pytester: pytest.Pytester, store: Path) -> Gate:
    return Gate(pytester, store)


@pytest.fixture
def breaking_recipe(pytester: pytest.Pytester) -> Any:
    """The recipe "breaks", which raises, and the benchmark "huge-latency", which fits nowhere, installed like a stranger's package."""
    from pytest_unicomp.api import registry
    from tests.plugin.toy_recipes import install

    install(pytester.path)
    pytester.syspathinsert()
    registry.methods.cache_clear()
    registry.benchmarks.cache_clear()
    yield "breaks"
    registry.methods.cache_clear()
    registry.benchmarks.cache_clear()


@pytest.fixture(scope="session")
def ruined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of nano's shape that has forgotten everything: its weights are shuffled."""
    import shutil

    import torch
    from safetensors.torch import load_file, save_file

    from pytest_unicomp.checkpoints import hub

    folder = tmp_path_factory.mktemp("made-elsewhere") / "ruined"
    shutil.copytree(hub.resolve("nano", None), folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    generator = torch.Generator().manual_seed(0)
    for file in folder.glob("*.safetensors"):
        weights = load_file(file)
        shuffled = {
            name: tensor.flatten()[torch.randperm(tensor.numel(), generator=generator)].view_as(tensor) for name, tensor in weights.items()
        }
        save_file(shuffled, file, metadata={"format": "pt"})
    return folder
