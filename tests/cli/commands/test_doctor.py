"""`unicomp doctor` reports what this machine can run, and contacts nobody."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from pytest_unicomp.api.registry import Table, methods
from pytest_unicomp.cli import app
from pytest_unicomp.cli.commands import doctor
from pytest_unicomp.store.local import Store


@pytest.fixture
def found(tmp_path, offline):
    return {(finding.about, finding.what): finding for finding in doctor.findings(Store(tmp_path), methods())}


def test_libraries_devices_kernels_recipes_hub_and_disk_are_looked_at(found):
    assert {about for about, _ in found} == {"machine", "libraries", "devices", "kernels", "formats", "recipes", "hub", "disk", "package"}
    assert found["devices", "cpu"].state == "fine"
    assert found["kernels", "int8 on cpu"].state == "fine"
    assert found["kernels", "fp8 on cpu"].state == "absent"
    assert found["libraries", "torch"].found
    assert found["package", "nano"].state == "fine"


def test_a_recipe_that_lacks_a_library_says_what_to_install(tmp_path):
    class Lacking:
        requires = ("no_such_library",)

    table = Table("recipe", "", {**methods().entries, "lacking": Lacking()})
    (finding,) = [one for one in doctor.findings(Store(tmp_path), table) if one.what == "lacking"]
    assert (finding.state, finding.action) == ("absent", "pip install no_such_library")


def test_a_library_outside_its_bounds_is_broken_and_the_command_exits_with_1(monkeypatch, tmp_path):
    monkeypatch.setattr(
        doctor.importlib.metadata, "requires", lambda name: ["numpy>=999", "no-such-distribution>=1", "other; extra == 'dev'"]
    )
    broken = {one.what: one for one in doctor.findings(Store(tmp_path), methods()) if one.state == "broken"}
    assert broken.keys() == {"numpy", "no-such-distribution"}
    assert broken["numpy"].action == "pip install 'numpy>=999'"
    assert CliRunner().invoke(app, ["doctor", "--cache", str(tmp_path)]).exit_code == 1


@pytest.mark.parametrize(("setting", "state"), [("1", "absent"), ("0", "fine")])
def test_the_hubs_setting_is_told_and_the_hub_is_not_asked(monkeypatch, tmp_path, offline, setting, state):
    monkeypatch.setenv("HF_HUB_OFFLINE", setting)
    (hub,) = [one for one in doctor.findings(Store(tmp_path), methods()) if one.about == "hub"]
    assert hub.state == state


def test_a_hub_that_does_not_answer_is_absent_when_it_is_asked(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    (hub,) = [one for one in doctor.findings(Store(tmp_path), methods(), ask_hub=True) if one.about == "hub"]
    assert (hub.state, "does not answer" in hub.found) == ("absent", True)


def test_a_hub_that_answers_with_an_error_is_there(monkeypatch, tmp_path):
    class Missing(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_error(404)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Missing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    try:
        (hub,) = [one for one in doctor.findings(Store(tmp_path), methods(), ask_hub=True) if one.about == "hub"]
    finally:
        server.shutdown()
        server.server_close()
    assert (hub.state, hub.found) == ("fine", "answers with 404")


def test_the_command_gives_objects(tmp_path):
    rows = json.loads(CliRunner().invoke(app, ["doctor", "--json", "--cache", str(tmp_path)]).output)
    assert all(row.keys() == {"about", "what", "state", "found", "action"} for row in rows)
    assert os.listdir(tmp_path) == []
