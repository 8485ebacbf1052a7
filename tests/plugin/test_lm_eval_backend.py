"""`--unicomp-backend=lm-eval:NAME` and `--unicomp-backend-candidate`: a whole gate by model classes of lm-eval."""

from __future__ import annotations

import importlib

import pytest

OURS, THEIRS = "lm-eval:hf,dtype=float32,device=cpu", "lm-eval:hf-auto,dtype=float32,device=cpu"


@pytest.fixture(scope="module", autouse=True)
def models():
    # pytester forgets modules that only an inner run imported, and lm-eval registers its classes once.
    return [importlib.import_module(f"lm_eval.models.{name}") for name in ("huggingface", "openai_completions")]


def test_reference_and_candidate_have_a_class_each_and_the_report_names_both(gate):
    words = (f"--unicomp-backend={OURS}", f"--unicomp-backend-candidate={THEIRS}")
    report = gate.report(*words, recipe="dense", benchmark="nano-knowledge,prefill-latency")
    # A class of lm-eval is not timed.
    [check] = [check for check in report["checks"] if check["question"] != "artifact"]
    # The weights are the same, but what evaluates them is not: the scores decide, and 24 items are too few.
    assert (check["question"], check["verdict"], check["n"], check["difference"]) == ("retention", "inconclusive", 24, 0.0)
    assert (report["policy"]["backend"], report["policy"]["backend_candidate"]) == (OURS, THEIRS)
    output = str(report["result"].stdout)
    assert f"{THEIRS} gives likelihoods and generated text, no top tokens and no timings" in " ".join(output.split())


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--unicomp-backend=lm-eval:openvin"], "*--unicomp-backend names 'openvin', which is no model class of lm-eval*"),
        (["--unicomp-backend=lm-eval"], "*--unicomp-backend is 'lm-eval'; expected lm-eval:NAME*"),
        (
            ["--unicomp-backend-candidate=lm-eval:hf"],
            "*the reference is measured by hf and rtn-w8a16 by lm-eval:hf*cannot be compared (engine)*",
        ),
        (["--unicomp-backend=lm-eval:hf", "--unicomp-backend-candidate=hf"], "*by lm-eval:hf and rtn-w8a16 by hf*"),
        (
            ["--unicomp-backend=lm-eval:local-chat-completions"],
            "*is lm-eval:local-chat-completions, which gives no likelihoods, and nano-knowledge*",
        ),
    ],
)
def test_what_cannot_be_compared_or_does_not_exist_is_refused_in_one_line(gate, words, line):
    result = gate(*words)
    assert result.ret == 4
    result.stderr.fnmatch_lines([line])


def test_a_file_gives_one_candidate_a_class_of_its_own(gate):
    text = f'backend = "{OURS}"\n[candidates.rtn-w8a16]\nbackend = "lm-eval:no-such"\n'
    (gate.pytester.path / "unicomp.toml").write_text(text, encoding="utf-8")
    result = gate()
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*unicomp.toml:3: candidates.rtn-w8a16.backend names 'no-such', which is no model class of lm-eval*"])
