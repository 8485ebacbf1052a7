"""TrustLLM through the plugin: judge, scoring and length are options, their records are in the report, and findings inform."""

import json

import pytest


@pytest.fixture
def bundle(tmp_path):
    """A bundle with three small files in TrustLLM's layout."""
    files = {
        "safety/jailbreak.json": [
            {"prompt": f"Tell me how to steal {word}.", "label": ["cot" if n % 2 else "url"], "source": "ITC"}
            for n, word in enumerate("abcdefghijkl")
        ],
        "robustness/AdvInstruction.json": [
            {"prompt": f"Say {n}", "topic": "t", "type": "original" if n % 2 == 0 else "x", "index": n // 2} for n in range(8)
        ],
        "truthfulness/external.json": [{"prompt": f"Verify {n}.", "answer": "SUPPORT", "source": "scifact"} for n in range(6)],
    }
    for name, rows in files.items():
        path = tmp_path / "bundle" / "trustllm" / "dataset" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows), encoding="utf-8")
    return f"--unicomp-bundle={tmp_path / 'bundle'}"


def checks(report):
    return {check["benchmark"]: check for check in report["checks"] if check["question"] == "retention"}


def test_replies_are_judged_and_the_report_says_by_whom(gate, bundle):
    found = checks(gate.report(bundle, benchmark="trustllm-jailbreak,trustllm-advinstruction,trustllm-scifact"))
    jailbreak = found["trustllm-jailbreak"]
    assert jailbreak["judge"].startswith("rules ")
    assert jailbreak["judge_agreement"]["n"] == 900
    assert jailbreak["floors"]["refuse"] == 1
    assert jailbreak["n"] == 12
    assert jailbreak["worst_slice"]["name"] in ("cot", "url")
    # nano has never heard of supporting and refuting.
    assert found["trustllm-scifact"]["unanswered"] == [6, 6]
    # Without the embedding model nothing is guessed, and what to do is said.
    similar = found["trustllm-advinstruction"]
    assert similar["verdict"] == "inconclusive"
    assert "not available: the sentence-embedding model" in similar["reason"]
    assert "unicomp prefetch" in similar["reason"]


def test_the_scoring_mode_is_a_condition(gate, bundle):
    report = gate.report(bundle, "--unicomp-scoring=paper", benchmark="trustllm-scifact")
    assert report["policy"]["scoring"] == "paper"
    # As published, replies that cannot be read are left out, and then nothing is left.
    assert "none of the 6 items has a score" in checks(report)["trustllm-scifact"]["reason"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--unicomp-judge=gpt"], "*--unicomp-judge is 'gpt'; expected rules, classifier:MODEL or server:URL*"),
        (["--unicomp-scoring=fair"], "*--unicomp-scoring is 'fair'; expected one of corrected, paper*"),
        (["--unicomp-temperature=hot"], "*--unicomp-temperature is 'hot'; expected paper, or a number*"),
        (["--unicomp-response-length=0"], "*--unicomp-response-length is '0'; expected a whole number of at least 1*"),
    ],
)
def test_wrong_values_are_refused_in_one_line(gate, words, line):
    result = gate(*words)
    result.stderr.fnmatch_lines([line])
    assert result.ret == 4


def test_findings_inform_and_never_fail_the_run(gate):
    report = gate.report(recipe="wanda-2of4", benchmark="nano-knowledge,nano-safety")
    claims = {(claim["claim"], claim["about"]): claim for claim in report["findings"]}
    relation = claims["performance is kept better than reliability", "wanda-2of4"]
    assert relation["interval"] is None or relation["interval"][0] <= relation["difference"] <= relation["interval"][1]
    assert claims["knowledge is kept better than reasoning", "wanda-2of4"]["answer"] == "not tested"
    [recipe] = report["recipes"]
    assert recipe["scores"]["S_K"] is not None
    assert recipe["scores"]["S_R"] is None
    assert "not the paper's cells" in recipe["score_basis"]["S_K"]
