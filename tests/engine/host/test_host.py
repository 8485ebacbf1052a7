from __future__ import annotations

import json
import subprocess
import sys

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
def test_named_devices_stay_what_they_are(given: str, resolved: str) -> None:
    assert host.resolve_device(given) == resolved


def test_auto_is_the_cpu_where_no_accelerator_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "accelerators", lambda: ())
    assert host.resolve_device("auto") == "cpu"


def test_a_device_is_named_by_what_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "accelerators", lambda: ("Toy GPU 0", "Toy GPU 1"))
    assert host.name("cuda:1") == "Toy GPU 1"
    assert host.name("cuda:9") == "cuda:9"
    assert "cores" in host.name("cpu")
