"""Build the executor that the options name: `local` in this process, `process` in fresh interpreters, `ray` on a cluster."""

from __future__ import annotations

import importlib.util
import os

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.engine.host import host
from pytest_unicomp.run.executors.local import LocalExecutor
from pytest_unicomp.run.executors.process import ProcessExecutor, slots
from pytest_unicomp.run.executors.ray import Perform, RayExecutor
from pytest_unicomp.run.step import StepProgress
from pytest_unicomp.store.local import Store


def validate(settings: Settings) -> None:
    """Raise UsageProblem if the executor is not available here or contradicts another option."""
    if settings.address is not None and settings.executor != "ray":
        raise UsageProblem(f"unicomp: --unicomp-address is for --unicomp-executor=ray; the executor is {settings.executor}.")
    if settings.executor == "local":
        return
    if os.environ.get("PYTEST_XDIST_WORKER"):
        raise UsageProblem(
            f"unicomp: --unicomp-executor={settings.executor} and pytest -n both spread the work; leave one out (-n is for the local executor)."
        )
    if settings.device.startswith("cuda:") or settings.device == "sharded":
        raise UsageProblem(
            f"unicomp: --unicomp-executor={settings.executor} gives each job a GPU of its own, but --unicomp-device={settings.device} names more or others; "
            "expected cuda; choose the GPUs by CUDA_VISIBLE_DEVICES."
        )
    if settings.executor == "ray" and importlib.util.find_spec("ray") is None:
        raise UsageProblem("unicomp: --unicomp-executor=ray needs ray, which is not installed here; pip install 'pytest-unicomp[ray]'.")


def build(settings: Settings, *, perform: Perform, store: Store, progress: StepProgress, memory: int) -> LocalExecutor:
    """Return the executor that the settings name, ready for jobs; `memory` is the memory that one job needs, in bytes."""
    device = host.resolve_device(settings.device)
    if settings.executor == "process":
        return ProcessExecutor(slots(device, len(host.accelerators()), host.cores()), progress)
    if settings.executor == "ray":
        joined = RayExecutor(settings.address, perform, progress, gpus=int(device != "cpu"), memory=memory)
        joined.connect(store)
        return joined
    return LocalExecutor()
