"""A served model gives every benchmark the results of the same model loaded here."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.engine import Engine, load
from pytest_unicomp.engine.serving import Endpoint, connect
from tests.engine.serving.loopback import Loopback

EVALUATION = Evaluation(limit=30, seed=0, bundle=None, device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def nano() -> Engine:
    return load(NANO, device="cpu", dtype="float32")


@pytest.mark.parametrize("name", ["nano-knowledge", "nano-instruction-following", "nano-perplexity"])
def test_a_served_model_gets_the_scores_of_the_same_model_loaded_here(nano, name):
    benchmark = benchmarks()[name]
    here = benchmark.score(nano, EVALUATION)
    with Loopback(nano) as server:
        there = benchmark.score(connect(Endpoint.parse(server.url), NANO), EVALUATION)
    assert there.engine == "server"
    assert [item.prompt_digest for item in there.items] == [item.prompt_digest for item in here.items]
    assert [item.answer for item in there.items] == [item.answer for item in here.items]
    assert [item.score for item in there.items] == pytest.approx([item.score for item in here.items], abs=1e-4)
    for mine, its in zip(here.items, there.items, strict=True):
        assert its.log_probabilities == pytest.approx(mine.log_probabilities, abs=1e-3)


@pytest.mark.parametrize("name", ["nano-knowledge", "nano-instruction-following"])
def test_requests_are_in_flight_together(nano, name):
    with Loopback(nano) as server:
        benchmarks()[name].score(connect(Endpoint.parse(server.url), NANO), EVALUATION)
    assert server.most_waiting > 1


def test_a_server_without_prompt_log_probabilities_still_generates(nano):
    with Loopback(nano, echo=False) as server:
        engine = connect(Endpoint.parse(server.url), NANO)
        assert benchmarks()["nano-instruction-following"].score(engine, EVALUATION).items
        with pytest.raises(InfrastructureError, match=r"cannot score answer options.*echo is not supported"):
            benchmarks()["nano-knowledge"].score(engine, EVALUATION)


def test_a_server_that_takes_text_alone_gets_the_same_prompts(nano):
    benchmark = benchmarks()["nano-instruction-following"]
    with Loopback(nano, echo=False, tokens=False) as server:
        there = benchmark.score(connect(Endpoint.parse(server.url), NANO), EVALUATION)
    assert [item.answer for item in there.items] == [item.answer for item in benchmark.score(nano, EVALUATION).items]


def test_a_server_of_several_models_needs_a_model_name(nano):
    with Loopback(nano, names=("base", "w4a16")) as server:
        with pytest.raises(UsageProblem, match=r"serves 2 models \(base, w4a16\); say which"):
            connect(Endpoint.parse(server.url), NANO)
        with pytest.raises(UsageProblem, match=r"does not serve 'w4a61'.*Did you mean 'w4a16'"):
            connect(Endpoint.parse(f"{server.url}#w4a61"), NANO)
        assert connect(Endpoint.parse(f"{server.url}#w4a16"), NANO).lm.model == "w4a16"


def test_the_key_comes_from_its_own_variable_and_another_services_key_is_not_sent(nano, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "somebody-elses")
    with Loopback(nano) as server:
        benchmarks()["nano-instruction-following"].score(connect(Endpoint.parse(server.url), NANO), EVALUATION)
        assert server.keys == {None}
        monkeypatch.setenv("UNICOMP_API_KEY", "ours")
        benchmarks()["nano-instruction-following"].score(connect(Endpoint.parse(server.url), NANO), EVALUATION)
        assert server.keys == {None, "Bearer ours"}


def test_an_address_where_nobody_answers_is_an_infrastructure_error():
    with pytest.raises(InfrastructureError, match="does not answer"):
        connect(Endpoint.parse("http://127.0.0.1:9/v1"), NANO)
