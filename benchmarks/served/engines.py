"""Names the engines that are compared: this one, and servers by the command that starts them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

HERE, VLLM, LLAMA_CPP = "this engine", "vLLM", "llama.cpp"
LLAMA_CPP_SERVER = Path(__file__).parent / "llama_cpp_server.py"


@dataclass(frozen=True)
class Engine:
    """`serve` is the command of its server, None for this engine; `dtype` that of the computation.

    If `only` is given, it takes no other artifacts.
    """

    name: str
    dtype: str
    serve: str | None = None
    only: Collection[str] | None = None


def of_this_package() -> list[Engine]:
    """Return this engine."""
    return [Engine(HERE, "float32")]


def of_vllm(program: Path) -> list[Engine]:
    """Return vLLM in two data types: what it refuses in the first is tried in the second.

    It does not read GGUF, so it is given the unpacked folder. One gigabyte of KV cache; without compilation, which takes longer than the items.
    """
    command = (
        f"env VLLM_CPU_KVCACHE_SPACE=1 {program} serve {{unpacked}} --port {{port}} --host 127.0.0.1 --max-model-len 2048 --enforce-eager"
    )
    return [Engine(VLLM, dtype, f"{command} --dtype {dtype}") for dtype in ("float32", "bfloat16")]


def of_llama_cpp(python: Path) -> list[Engine]:
    """Return llama.cpp by an interpreter that has xllamacpp; of the artifacts, only the GGUF file itself is a model to it."""
    command = f"{python} {LLAMA_CPP_SERVER} {{model}} {{port}}"
    return [Engine(LLAMA_CPP, "Q4_1 x 8 bits", command, only=("dense",))]
