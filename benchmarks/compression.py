"""Our recipes beside direct calls of the libraries under them: same model and texts, alternating; prints seconds, their ratio and peak memory.

Named recipes alone: `python benchmarks/compression.py awq-w4a16`. rtn-w3a16, magnitude and distillation have no library call to stand beside.

`python benchmarks/compression.py large` instead sends a random Llama of half a billion parameters through rtn, gptq and wanda and fails above 8 GiB.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_unicomp.api.protocols import Calibration, CompressionJob
from pytest_unicomp.api.registry import methods
from pytest_unicomp.calibration import mixture
from pytest_unicomp.engine.host.memory import peak_memory
from pytest_unicomp.engine.quiet_libraries import quiet_with_captured_output
from pytest_unicomp.methods.decoder import other_linear_layers
from pytest_unicomp.methods.pinning import no_pinning_without_accelerator
from pytest_unicomp.methods.tokens import encode
from pytest_unicomp.run import compress

ROUNDS = 3
SAMPLES = 64
LARGEST = 8 * 2**30
LARGE = {"hidden_size": 1280, "intermediate_size": 3456, "num_hidden_layers": 20, "num_attention_heads": 20, "vocab_size": 48000}
Work = Callable[[Path], None]


def modifiers(recipe: str) -> list[list[Any]]:
    """Return what a reader of the libraries' examples passes to `oneshot`, one list per call."""
    from llmcompressor.modifiers.gptq import GPTQModifier
    from llmcompressor.modifiers.pruning import SparseGPTModifier, WandaPruningModifier
    from llmcompressor.modifiers.quantization import QuantizationModifier
    from llmcompressor.modifiers.transform.awq import AWQModifier
    from llmcompressor.modifiers.transform.smoothquant import SmoothQuantModifier

    common: dict[str, Any] = {"ignore": ["lm_head"]}
    fp8 = QuantizationModifier(targets="Linear", scheme="FP8_DYNAMIC", **common)
    table: dict[str, list[list[Any]]] = {
        "rtn-w8a16": [[QuantizationModifier(targets="Linear", scheme="W8A16", **common)]],
        "rtn-w4a16": [[QuantizationModifier(targets="Linear", scheme="W4A16", **common)]],
        "gptq-w8a16": [[GPTQModifier(targets="Linear", scheme="W8A16", **common)]],
        "awq-w4a16": [[AWQModifier(), QuantizationModifier(targets="Linear", scheme="W4A16_ASYM", **common)]],
        "gptq-w4a16": [[GPTQModifier(targets="Linear", scheme="W4A16", **common)]],
        "wanda-50": [[WandaPruningModifier(sparsity=0.5, **common)]],
        "wanda-2of4": [[WandaPruningModifier(sparsity=0.5, mask_structure="2:4", **common)]],
        "sparsegpt-2of4": [[SparseGPTModifier(sparsity=0.5, mask_structure="2:4", **common)]],
        "sparsegpt-50": [[SparseGPTModifier(sparsity=0.5, **common)]],
        "sparsegpt-2of4-fp8": [[SparseGPTModifier(sparsity=0.5, mask_structure="2:4", **common)], [fp8]],
        "smoothquant-w8a8": [
            [SmoothQuantModifier(smoothing_strength=0.8)],
            [GPTQModifier(targets="Linear", scheme="W8A8", **common)],
        ],
        "fp8-dynamic": [[fp8]],
    }
    return table[recipe]


def theirs(recipe: str, source: Path, calibration: Calibration) -> Work:
    """Return a function that compresses with llm-compressor alone."""

    def work(destination: Path) -> None:
        import torch
        from llmcompressor import oneshot
        from llmcompressor.core import reset_session
        from torch.utils.data import DataLoader
        from transformers import AutoModelForCausalLM, AutoTokenizer

        model = AutoModelForCausalLM.from_pretrained(source, dtype="auto")
        tokenizer = AutoTokenizer.from_pretrained(source)
        documents = encode(source, calibration, recipe=recipe)
        rows = [{"input_ids": ids, "attention_mask": torch.ones_like(ids)} for ids in documents]
        for modifier in modifiers(recipe):
            data = {"dataset": DataLoader(rows, batch_size=None)} if methods()[recipe].calibrated else {}  # type: ignore[arg-type]
            with no_pinning_without_accelerator():
                oneshot(model=model, processor=tokenizer, recipe=modifier, **data)
            reset_session()
        model.save_pretrained(destination)

    return work


def autoawq(source: Path, calibration: Calibration) -> Work:
    """Return a function that compresses with AutoAWQ alone, to its own format."""

    def work(destination: Path) -> None:
        from awq import AutoAWQForCausalLM
        from transformers import AutoTokenizer

        model = AutoAWQForCausalLM.from_pretrained(str(source), trust_remote_code=False)
        documents = encode(source, calibration, recipe="autoawq")
        length = max(ids.shape[1] for ids in documents)
        model.quantize(
            AutoTokenizer.from_pretrained(source),
            quant_config={"zero_point": True, "q_group_size": 128, "w_bit": 4, "version": "GEMM"},
            calib_data=[ids[0].tolist() for ids in documents],
            max_calib_seq_len=length,
            n_parallel_calib_samples=8,
        )
        model.save_quantized(str(destination))

    return work


def ours(recipe: str, source: Path, calibration: Calibration | None) -> Work:
    """Return a function that compresses with our recipe."""

    def work(destination: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            job = CompressionJob(source, destination, calibration, 0, "cpu", lambda message: None, Path(scratch))
            methods()[recipe].compress(job)

    return work


def measured(work: Work) -> tuple[float, int]:
    """Return seconds and peak resident bytes of one call, which writes into an empty folder."""
    with tempfile.TemporaryDirectory() as folder, quiet_with_captured_output(), peak_memory("cpu") as peak:
        started = time.perf_counter()
        work(Path(folder))
        seconds = time.perf_counter() - started
    return seconds, peak.bytes or 0


def beside() -> None:
    """Print one line per recipe."""
    model = compress.reference("nano", None)
    source = Path(model.path)
    calibration = mixture.build("generic", model=model, seed=0, bundle=None, samples=SAMPLES)
    names = sys.argv[1:] or (
        "rtn-w8a16",
        "rtn-w4a16",
        "gptq-w8a16",
        "gptq-w4a16",
        "awq-w4a16",
        "wanda-50",
        "wanda-2of4",
        "sparsegpt-50",
        "sparsegpt-2of4",
        "sparsegpt-2of4-fp8",
        "smoothquant-w8a8",
        "fp8-dynamic",
        "autoawq-w4a16",
    )
    for name in names:
        library = autoawq(source, calibration) if name.startswith("autoawq") else theirs(name, source, calibration)
        pairs = [(measured(ours(name, source, calibration)), measured(library)) for _ in range(ROUNDS + 1)][1:]  # the first warms up
        ratios = [mine[0] / other[0] for mine, other in pairs]
        peaks = [statistics.median(run[side][1] for run in pairs) / 2**20 for side in (0, 1)]
        print(
            f"{name}: ours {statistics.median(run[0][0] for run in pairs):.2f} s, library {statistics.median(run[1][0] for run in pairs):.2f} s, "
            f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), "
            f"peak {peaks[0]:.0f} MiB, library {peaks[1]:.0f} MiB",
            flush=True,
        )


def large() -> None:
    """Print one line per recipe for half a billion parameters; exit 1 where the peak is above LARGEST."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    nano = compress.reference("nano", None)
    calibration = mixture.build("generic", model=nano, seed=0, bundle=None, samples=32)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "model"
        config = LlamaConfig(**LARGE, num_key_value_heads=20, max_position_embeddings=4096, dtype="bfloat16")
        model = LlamaForCausalLM(config).to(torch.bfloat16)
        count, layers = sum(weight.numel() for weight in model.parameters()), len(other_linear_layers(model))
        model.save_pretrained(source)
        del model
        for file in Path(nano.path).glob("tokenizer*"):
            (source / file.name).write_bytes(file.read_bytes())
        print(f"Llama of {count / 1e9:.2f} billion parameters ({layers} Linear layer outside its blocks)", flush=True)
        worst = 0
        for name in ("rtn-w4a16", "wanda-50", "gptq-w4a16"):
            seconds, peak = measured(ours(name, source, calibration))
            worst = max(worst, peak)
            print(f"{name}: {seconds:.0f} s, peak {peak / 2**30:.2f} GiB", flush=True)
    if worst > LARGEST:
        sys.exit(f"peak memory above {LARGEST / 2**30:.0f} GiB")


if __name__ == "__main__":
    large() if sys.argv[1:] == ["large"] else beside()
