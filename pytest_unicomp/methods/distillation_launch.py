"""Distil on many devices: `torchrun -m pytest_unicomp.methods.distillation_launch --help`; recipes with `processes` above 1 start it themselves."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import wraps
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError, UnicompError, UsageProblem
from pytest_unicomp.api.protocols import Calibration, CompressionJob, Progress
from pytest_unicomp.api.records import CalibrationText
from pytest_unicomp.api.registry import methods
from pytest_unicomp.engine.host import host

SAYS = "unicomp-progress "
ERROR = "error.txt"
LAST_WORDS = 2000


def launched(compress: Callable[[Any, CompressionJob], None]) -> Callable[[Any, CompressionJob], None]:
    """Decorate a method's `compress`: with `processes` above 1 it runs in as many processes of this machine, else here as it is."""

    @wraps(compress)
    def wrapper(self: Any, job: CompressionJob) -> None:
        if self.processes == 1 or _is_rank():
            compress(self, job)
        else:
            _require_gpus(self.processes, job.device)
            _launch(self, job, self.enlarged(job))

    return wrapper


def _is_rank() -> bool:
    """Return True in a process of a group that torchrun started. A batch system may set WORLD_SIZE=1 for a process that is alone."""
    return "LOCAL_RANK" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def _require_gpus(processes: int, device: str) -> None:
    """Raise UsageProblem if there are fewer visible GPUs than processes, or if the device names one that the processes would not begin with."""
    if not device.startswith("cuda"):
        return
    visible = len(host.accelerators())
    if visible < processes:
        raise UsageProblem(
            f"unicomp: the recipe has processes = {processes}, and {visible} GPUs are visible to this process; expected a GPU for each: "
            "set fewer processes, or --unicomp-executor=local, since a worker of the others sees one GPU."
        )
    if device not in ("cuda", "cuda:0"):
        raise UsageProblem(
            f"unicomp: the recipe has processes = {processes}, which take the GPUs from the first on, not from {device}; "
            "choose the GPUs by CUDA_VISIBLE_DEVICES, with --unicomp-device=cuda."
        )


def _launch(method: Any, job: CompressionJob, calibration: Calibration) -> None:
    folder = job.scratch / "launch"
    folder.mkdir(exist_ok=True)
    (folder / ERROR).unlink(missing_ok=True)
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in calibration.texts]
    (folder / "texts.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    name = next(name for name, entry in methods().items() if entry.method == method.method)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={method.processes}"]
    command += [
        "-m",
        __name__,
        "--recipe",
        name,
        "--settings",
        json.dumps(asdict(method)),
        "--model",
        str(job.source),
        "--out",
        str(job.destination),
    ]
    command += [
        "--text",
        str(folder / "texts.jsonl"),
        "--tokens",
        str(calibration.tokens),
        "--scratch",
        str(job.scratch),
        "--seed",
        str(job.seed),
    ]
    command += ["--device", job.device.partition(":")[0], "--mixture", calibration.record.mixture, "--started"]
    words: list[str] = []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.startswith(SAYS):
                job.progress(line.removeprefix(SAYS).rstrip())
            else:
                words.append(line)
    if running.returncode:
        shutil.rmtree(_partial(job.destination), ignore_errors=True)
        if (folder / ERROR).exists():
            raise InfrastructureError((folder / ERROR).read_text(encoding="utf-8"))
        raise InfrastructureError(
            f"unicomp: {method.method} failed in one of {method.processes} processes (exit code {running.returncode}); their last words: "
            f"{''.join(words)[-LAST_WORDS:].strip()}"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one process of a distillation; rank 0 writes the checkpoint. Raises UsageProblem if the folder of `--out` is not empty."""
    given = _parser().parse_args(arguments)
    rank, local = int(os.environ.get("RANK", "0")), int(os.environ.get("LOCAL_RANK", "0"))
    if given.started:
        threading.Thread(target=_leave_with_parent, daemon=True).start()
    scratch = given.scratch or given.out.with_name(given.out.name + ".scratch")
    scratch.mkdir(parents=True, exist_ok=True)
    texts = tuple(json.loads(line)["text"] for line in given.text.read_text(encoding="utf-8").splitlines() if line.strip())
    record = CalibrationText(mixture=given.mixture or given.text.name, samples=len(texts), tokens=given.tokens, seed=given.seed, digest="")
    entry: Any = methods()[given.recipe]
    method = replace(entry, **json.loads(given.settings))
    device = f"cuda:{local}" if given.device == "cuda" else given.device
    say: Progress = _say if rank == 0 else lambda message: None
    if given.out.exists() and any(given.out.iterdir()):
        raise UsageProblem(f"unicomp: --out {given.out} holds files already; give a new or an empty folder.")
    partial = _partial(given.out)
    with tempfile.TemporaryDirectory(dir=scratch) as aside:
        target = Path(aside) if rank else partial
        target.mkdir(exist_ok=True)
        for left in target.iterdir():
            left.unlink()
        try:
            calibration = Calibration(texts, given.tokens, record)
            method.compress(CompressionJob(given.model, target, calibration, given.seed, device, say, scratch))
        except UnicompError as error:
            (scratch / "launch").mkdir(exist_ok=True)
            (scratch / "launch" / ERROR).write_text(str(error), encoding="utf-8")
            raise
    if rank == 0:
        partial.replace(given.out)


def _partial(out: Path) -> Path:
    return out.with_name(out.name + ".partial")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="torchrun -m pytest_unicomp.methods.distillation_launch", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of the teacher")
    parser.add_argument("--recipe", required=True, help="name of a distilling recipe, such as minitron-depth")
    parser.add_argument("--settings", default="{}", help="settings other than the recipe's, as JSON: '{\"steps\": 5000}'")
    parser.add_argument("--text", type=Path, required=True, help='FILE.jsonl with one {"text": ...} per line')
    parser.add_argument("--tokens", type=int, default=2048, help="documents are cut to so many tokens (default 2048)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the student: new or empty")
    parser.add_argument("--scratch", type=Path, help="folder of the checkpoints to resume from (default: OUT.scratch)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    parser.add_argument("--mixture", default="", help=argparse.SUPPRESS)
    parser.add_argument("--started", action="store_true", help=argparse.SUPPRESS)
    return parser


def _say(message: str) -> None:
    # The methods redirect sys.stdout to keep libraries quiet; the parent reads the real one.
    stream: Any = sys.__stdout__
    stream.write(f"{SAYS}{message}\n")
    stream.flush()


def _leave_with_parent() -> None:
    """End this process when the one that started it is gone, even by kill -9: its end of the pipe then closes."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
