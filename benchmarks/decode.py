"""Prints how much faster a random-weight Llama of about 0.5 B writes on torch's int4 and int8 kernels than dense, in pairs, and its bandwidth."""

from __future__ import annotations

import tempfile
from pathlib import Path

import random_model

from pytest_unicomp import engine
from pytest_unicomp.api.protocols import CompressionJob
from pytest_unicomp.api.registry import methods
from pytest_unicomp.benchmarks.efficiency.latency import Latency
from pytest_unicomp.compare import stats
from pytest_unicomp.engine import runtimes
from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.host.paired_timing import PairedRounds, fastest_seconds

ROUNDS = 8
# A copy that no cache holds: half a gigabyte read and as much written.
COPY_BYTES = 2**29


def main() -> None:
    """Make the model, compress it, and time writing 16 tokens at batch 1 after 64."""
    import torch

    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        random_model.main("0.5B", root / "dense")
        source, target = torch.zeros(COPY_BYTES, dtype=torch.uint8), torch.zeros(COPY_BYTES, dtype=torch.uint8)

        def copy() -> None:
            target.copy_(source)

        bandwidth = 2 * COPY_BYTES / fastest_seconds(copy, rounds=5)
        reference = engine.load(root / "dense", device="cpu", dtype="bfloat16")
        work = Latency(batch=1, prompt=64, decode=16)
        parameters = sum(parameter.numel() for parameter in reference.model.parameters())
        print(f"{host.device_name('cpu')}; {parameters / 1e9:.2f} B parameters; a large copy moves {bandwidth / 1e9:.1f} GB/s")
        for recipe in ("rtn-w4a16", "rtn-w8a16"):
            folder, scratch = root / recipe, root / "scratch"
            folder.mkdir()
            scratch.mkdir(exist_ok=True)
            methods()[recipe].compress(CompressionJob(root / "dense", folder, None, 0, "cpu", lambda _: None, scratch))
            fast = engine.load(folder, device="cpu", dtype="bfloat16")
            runtime = runtimes.accelerate(fast, folder)
            rounds = PairedRounds(work.prepare(reference), work.prepare(fast))
            seconds = []
            for _ in range(ROUNDS + 2):
                rounds.before()
                seconds.append(fastest_seconds(rounds.candidate, rounds=1))
            rounds.finish(seconds[2:])
            found = stats.ratio_interval(rounds.reference_seconds, rounds.candidate_seconds, confidence=0.95)
            moved = work.decode * sum(file.stat().st_size for file in folder.glob("*.safetensors"))
            share = moved / min(rounds.candidate_seconds) / bandwidth
            print(
                f"{recipe}: {runtime.kernel}: {1 / found.value:.2f} times as fast ({1 / found.upper:.2f} to {1 / found.lower:.2f}, {ROUNDS} pairs), "
                f"logits differ by {runtime.error:.4f}, {100 * share:.0f} % of the copy's bandwidth"
            )
            fast.release()


if __name__ == "__main__":
    main()
