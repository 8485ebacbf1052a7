"""The description of the machine, and which device a name stands for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_unicomp.engine.host import host


def test_a_description_is_json_and_imports_no_torch() -> None:
    code = (
        "import json, sys; from pytest_unicomp.engine.host import host\n"
        "print(json.dumps([host.describe(), host.resolve_device('cpu'), 'torch' in sys.modules]))"
    )
    described, device, heavy = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert described["cores"] >= 1
    assert described["memory_bytes"] > 2**20
    assert described["versions"]["torch"].startswith("2.")
    assert device == "cpu"
    assert heavy is False


@pytest.mark.parametrize(("given", "resolved"), [("cpu", "cpu"), ("cuda", "cuda:0"), ("cuda:3", "cuda:3")])
def test_named_devices_are_kept(given: str, resolved: str) -> None:
    assert host.resolve_device(given) == resolved


def test_auto_is_the_cpu_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "accelerators", lambda: ())
    assert host.resolve_device("auto") == "cpu"


def test_a_device_has_the_name_of_its_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "accelerators", lambda: ("Toy GPU 0", "Toy GPU 1"))
    assert host.device_name("cuda:1") == "Toy GPU 1"
    assert host.device_name("cuda:9") == "cuda:9"
    assert "cores" in host.device_name("cpu")


def test_a_cuda_device_that_is_missing_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "versions", lambda: {"torch": "2.9.0+cpu"})
    assert host.unavailable_reason("cuda:0") == "the torch that is installed (2.9.0+cpu) is built for the CPU alone"
    monkeypatch.setattr(host, "versions", lambda: {"torch": "2.9.0"})
    monkeypatch.setattr(host, "accelerators", lambda: ("Toy GPU",))
    assert host.unavailable_reason("cuda:1") == "this machine has 1 GPUs (Toy GPU)"
    assert (host.unavailable_reason("cuda"), host.unavailable_reason("auto"), host.unavailable_reason("cpu")) == (None, None, None)


# As CUDA: the beginning of a UUID will do, a MIG partition counts as a GPU, and what follows an unknown entry is hidden.
BY_UUID = [
    ("GPU-bb", ("B",)),
    ("1,GPU-aaaa", ("B", "A")),
    ("0,GPU-cc,1", ("A",)),
    ("0, 1", ("A", "B")),
    ("MIG-77", ("MIG partition MIG-77",)),
]


@pytest.mark.parametrize(
    ("visible", "names"), [(None, ("A", "B")), ("1", ("B",)), ("1,0", ("B", "A")), ("", ()), ("-1", ()), ("7", ()), *BY_UUID]
)
def test_gpus_are_listed_by_nvidia_smi_and_filtered_by_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, names: tuple[str, ...]
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho GPU-aaaa, A\necho GPU-bbbb, B\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    assert host.accelerators.__wrapped__() == names
    assert visible in ("", "-1") or os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


def test_gpus_of_one_model_share_results_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "accelerators", lambda: ("A100", "A100", "H100"))
    first, second, other = (host.device_key(f"cuda:{number}") for number in range(3))
    assert first == second != other
    assert host.device_key("cpu") == "cpu"
    assert host.device_key("cuda:0", sharded=True) not in (first, other)
