"""Models that lm-eval's own code scores: empty continuations, whole texts, and resuming after a kill."""

from contextlib import nullcontext

import pytest
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from pytest_unicomp.engine import batched_requests
from pytest_unicomp.engine.lm import UnicompLM
from pytest_unicomp.engine.resume_log import ResumeLog
from tests.engine.toy_models import model, tokenizer

PAIRS = [
    ("one", " two"),
    ("one", " the other"),
    ("", "no context"),
    *(("the other " * number, f" on a {number}") for number in range(1, 8)),
]
ASKED = {
    "loglikelihood": PAIRS,
    "loglikelihood_rolling": [(context + rest,) for context, rest in PAIRS],
    "generate_until": [(context + rest, {"until": [], "max_gen_toks": 3, "do_sample": False}) for context, rest in PAIRS],
}


@pytest.fixture
def lm():
    """Mamba keeps a state in place of keys."""
    made = UnicompLM(model("mamba"), tokenizer(), batch_size=2)
    assert made.capabilities.lm_head is None
    return made


def ask(lm, kind, arguments):
    return getattr(lm, kind)([Instance(kind, {}, one, place) for place, one in enumerate(arguments)], disable_tqdm=True)


def test_an_empty_continuation_has_log_probability_zero_with_lm_evals_own_code_too(lm):
    empty, other, also = ask(lm, "loglikelihood", [("one", ""), ("one", " two"), ("", "")])
    assert empty == also == (0.0, True)
    assert other == pytest.approx(ask(lm, "loglikelihood", [("one", " two")])[0])


@pytest.mark.parametrize("kind", ASKED)
def test_a_kill_loses_one_chunk_and_a_resumed_run_gives_the_same_answers(lm, kind, tmp_path, monkeypatch):
    upstream = getattr(HFLM, kind)(lm, [Instance(kind, {}, one, 0) for one in ASKED[kind]], disable_tqdm=True)
    monkeypatch.setattr(batched_requests, "REQUESTS_PER_CALL", 4)
    whole = ask(lm, kind, ASKED[kind])
    assert whole == (upstream if kind == "generate_until" else [pytest.approx(one, abs=1e-3) for one in upstream])
    path, calls = tmp_path / "resume.jsonl", []
    method = "generate_until" if kind == "generate_until" else "_loglikelihood_tokens"
    original = getattr(HFLM, method)

    def dies(self, *given, **settings):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(self, *given, **settings)

    monkeypatch.setattr(HFLM, method, dies)
    for expected, known in ((KeyboardInterrupt, 0), (None, 8)):
        log = ResumeLog(path)
        assert len(log) == known
        with log.attached_to(lm), pytest.raises(expected) if expected else nullcontext():
            again = ask(lm, kind, ASKED[kind])
        log.close(keep=True)
    assert again == whole
    assert len(calls) == 4
