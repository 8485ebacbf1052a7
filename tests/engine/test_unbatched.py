"""Models that are read by lm-eval's own code: empty continuations, whole texts, and what a kill leaves behind."""

from contextlib import nullcontext

import pytest
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from pytest_unicomp.engine import batched_requests
from pytest_unicomp.engine.lm import make
from pytest_unicomp.engine.resume_log import Journal
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
    made = make(model("mamba"), tokenizer(), batch_size=2)
    assert made.support.head is None
    return made


def ask(lm, kind, arguments):
    return getattr(lm, kind)([Instance(kind, {}, one, place) for place, one in enumerate(arguments)], disable_tqdm=True)


def test_an_empty_continuation_is_certain_for_a_model_that_is_read_plainly_too(lm):
    empty, other, also = ask(lm, "loglikelihood", [("one", ""), ("one", " two"), ("", "")])
    assert empty == also == (0.0, True)
    assert other == pytest.approx(ask(lm, "loglikelihood", [("one", " two")])[0])


@pytest.mark.parametrize("kind", ASKED)
def test_a_kill_loses_one_part_and_a_resumed_run_says_the_same(lm, kind, tmp_path, monkeypatch):
    upstream = getattr(HFLM, kind)(lm, [Instance(kind, {}, one, 0) for one in ASKED[kind]], disable_tqdm=True)
    monkeypatch.setattr(batched_requests, "PART", 4)
    whole = ask(lm, kind, ASKED[kind])
    assert whole == (upstream if kind == "generate_until" else [pytest.approx(one, abs=1e-3) for one in upstream])
    path, calls = tmp_path / "journal.jsonl", []
    method = "generate_until" if kind == "generate_until" else "_loglikelihood_tokens"
    original = getattr(HFLM, method)

    def dies(self, *given, **settings):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(self, *given, **settings)

    monkeypatch.setattr(HFLM, method, dies)
    for expected, known in ((KeyboardInterrupt, 0), (None, 8)):
        journal = Journal(path)
        assert len(journal) == known
        with journal.kept_by(lm), pytest.raises(expected) if expected else nullcontext():
            again = ask(lm, kind, ASKED[kind])
        journal.close(keep=True)
    assert again == whole
    assert len(calls) == 4
