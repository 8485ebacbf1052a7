"""A server is started once for each model and command, and what made it fail is what every later request for it is told."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.config.evaluated_by import EvaluatedBy
from tests.run.toy_server import FORKS, served_nano
from tests.toys import artifact


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Returns what asks for the server of nano, which does `at_prompt`, and the steps that were begun."""
    return lambda at_prompt: served_nano(tmp_path, monkeypatch, at_prompt)


def test_a_server_that_ends_at_the_first_prompt_is_started_once_and_its_cause_is_given(serve, tmp_path):
    loaded, steps, subject = serve("print('RuntimeError: no kernel for float', flush=True); os._exit(4)")
    for _ in range(2):
        with pytest.raises(
            InfrastructureError, match=r"the server of toy ended with exit status 4: RuntimeError: no kernel for float; all that"
        ):
            loaded.server(subject)
    assert [step.stage for step in steps] == ["serve"]
    [log] = (tmp_path / "logs").iterdir()
    assert log.read_text(encoding="utf-8").splitlines() == ["start", "RuntimeError: no kernel for float"]


def test_a_server_that_answers_rubbish_is_an_error_with_the_place_of_its_log(serve, tmp_path):
    loaded, _, subject = serve("self.answer(['rubbish'])")
    loaded.server(subject)
    with pytest.raises(InfrastructureError) as found, loaded.answering(subject):
        raise InfrastructureError("unicomp: it answered ['rubbish'].")
    loaded.release()
    [log] = (tmp_path / "logs").iterdir()
    assert str(found.value) == f"unicomp: it answered ['rubbish']. All that the server printed is in {log}."


@pytest.mark.skipif(os.name != "posix", reason="needs fork")
def test_a_server_that_has_ended_has_failed_even_if_another_program_answers_at_its_port(serve):
    loaded, _, subject = serve(FORKS)
    engine = loaded.server(subject)
    try:
        while not engine.command.has_ended:
            time.sleep(0.01)
        assert engine.endpoint.models() == [{"id": "toy"}]
        with pytest.raises(InfrastructureError, match="the server of toy ended with exit status 5"), loaded.answering(subject):
            """Whatever was asked was answered."""
    finally:
        loaded.release()


def test_a_server_that_works_leaves_no_log(serve, tmp_path):
    loaded, _, subject = serve("self.answer({'choices': []})")
    loaded.server(subject)
    with loaded.answering(subject):
        """Nothing goes wrong."""
    loaded.release()
    assert not list((tmp_path / "logs").iterdir())


def test_one_address_with_two_keys_is_two_servers(serve):
    loaded, *_ = serve("pass")
    served = artifact("http://127.0.0.1:9/v1", recipe="toy")
    engines = [
        loaded.server((served, EvaluatedBy("server", None, key, "--unicomp-candidate")), beside=()) for key in ("ONE", "OTHER", "ONE")
    ]
    assert [engine.endpoint.key_variable for engine in engines] == ["ONE", "OTHER", "ONE"]


def test_one_command_with_two_keys_is_two_servers_with_a_log_each(serve, tmp_path):
    loaded, steps, (served, by) = serve("self.answer({'choices': []})")
    both = [(served, by), (served, replace(by, key_variable="OTHER"))]
    engines = [loaded.server(subject, beside=both) for subject in both]
    assert [engine.endpoint.key_variable for engine in engines] == [by.key_variable, "OTHER"]
    assert len(steps) == len(list((tmp_path / "logs").iterdir())) == 2
    loaded.release()
