"""The whole of docs/offline.md against a hub on this machine: fetch, gate, go offline, fill a bundle, gate from it; nothing else is reached."""

import gzip
import json
import os
import subprocess
import sys

import pytest

from pytest_unicomp.checkpoints.hub import NANO
from tests.loopback_hub import LoopbackHub, Repository, serving

pytestmark = pytest.mark.slow
ARC, C4 = "allenai/ai2_arc", "allenai/c4"
# Runs before anything else in the program: whoever connects to another machine is stopped and noted.
GUARD = """
import os, socket

def only_here(connect):
    def guarded(self, address):
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            with open(os.environ["REACHED"], "a") as log:
                log.write(f"{address}\\n")
            raise OSError(f"{address} is another machine")
        return connect(self, address)
    return guarded

socket.socket.connect = only_here(socket.socket.connect)
"""


def questions(folder):
    """ARC-Easy in hub layout, made up."""
    for split, count in (("train", 40), ("validation", 10), ("test", 30)):
        rows = [
            {
                "id": f"{split}{n}",
                "question": f"Which number is {n}?",
                "choices": {"text": [str(n + k) for k in range(4)], "label": list("ABCD")},
                "answerKey": "A",
            }
            for n in range(count)
        ]
        file = folder / "ARC-Easy" / f"{split}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(map(json.dumps, rows)) + "\n")
    files = "".join(f"  - split: {split}\n    path: ARC-Easy/{split}.jsonl\n" for split in ("train", "validation", "test"))
    (folder / "README.md").write_text(f"---\nconfigs:\n- config_name: ARC-Easy\n  data_files:\n{files}---\n")


def web_text(folder):
    """The first shard of C4, with a few long documents."""
    (folder / "en").mkdir(parents=True)
    with gzip.open(folder / "en" / "c4-train.00000-of-01024.json.gz", "wt") as file:
        for n in range(12):
            file.write(json.dumps({"text": " ".join(f"document {n} has word {word}" for word in range(400))}) + "\n")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    questions(folder / "arc")
    web_text(folder / "c4")
    (folder / "guard").mkdir()
    (folder / "guard" / "sitecustomize.py").write_text(GUARD)
    return folder


@pytest.fixture(scope="module")
def served(place):
    hub = LoopbackHub(
        models={"org/nano": Repository({"main": NANO, "v1": NANO})},
        datasets={ARC: Repository({"main": place / "arc"}), C4: Repository({"main": place / "c4"})},
    )
    with serving(hub):
        yield hub


@pytest.fixture(scope="module")
def unicomp(place, served):
    """Runs the command, led to this hub; fails if another machine was reached."""

    def run(*words, **more):
        path = os.pathsep.join([str(place / "guard"), *filter(None, [os.environ.get("PYTHONPATH")])])
        led = served.environment(place / "home", PYTHONPATH=path, REACHED=str(place / "reached"), **more)
        environment = {name: value for name, value in os.environ.items() if name not in ("HF_TOKEN", "HF_DATASETS_CACHE")} | led
        command = [sys.executable, "-c", "from pytest_unicomp.cli import main; main()", *words]
        done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
        assert not (place / "reached").exists(), (place / "reached").read_text()
        return done

    return run


def gate(unicomp, place, *more, model="org/nano@v1", **variables):
    words = ["gate", model, "--recipe", "wanda-50", "--benchmark", "arc_easy", "--limit", "8", "--inconclusive", "warn"]
    words += ["--calibration-samples", "4", "--calibration-tokens", "128", "--cache", str(place / "store"), "--report", "gate.json"]
    return unicomp(*words, *more, **variables)


def test_model_calibration_text_and_questions_come_from_the_hub_and_serve_offline_afterwards(unicomp, served, place):
    done = gate(unicomp, place)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((place / "gate.json").read_text())
    assert report["reference"]["model"] == "org/nano@v1"
    asked = set(served.paths)
    assert {"api/models/org/nano/revision/v1", f"api/datasets/{ARC}", f"api/datasets/{C4}"} <= asked
    assert any(path.startswith("datasets/allenai/c4/resolve/") for path in asked)

    served.asked.clear()
    offline = gate(unicomp, place, "--limit", "9", HF_HUB_OFFLINE="1")
    assert offline.returncode == 0, offline.stdout + offline.stderr
    assert served.asked == []


def test_a_bundle_that_prefetch_filled_serves_a_machine_without_a_network(unicomp, served, place):
    done = unicomp("prefetch", "--benchmark", "arc_easy", "--model", "org/nano", "--calibration", "generic", "--bundle", "bundle")
    assert done.returncode == 0, done.stdout + done.stderr
    assert unicomp("prefetch", "--bundle", "bundle", "--check").returncode == 0
    served.asked.clear()
    gated = gate(unicomp, place, "--bundle", "bundle", model="org/nano", HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=str(place / "other"))
    assert gated.returncode == 0, gated.stdout + gated.stderr
    assert served.asked == []
