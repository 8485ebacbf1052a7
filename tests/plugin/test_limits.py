"""`[tool.unicomp.limits]`: what compression must really buy, decided like every other check."""

import pytest

CONFIG = "unicomp.toml"


def configured(pytester, text):
    pytester.makefile(".toml", unicomp=text)
    return f"--unicomp-config={pytester.path / CONFIG}"


@pytest.mark.parametrize(("limit", "verdict"), [("0.6", "pass"), ("'0.5x'", "fail")])
def test_an_artifact_that_is_not_small_enough_fails(gate, pytester, limit, verdict):
    report = gate.report(configured(pytester, f"[limits]\nbytes = {limit}\n"), benchmark="bytes")
    [check] = [check for check in report["checks"] if check["benchmark"] == "bytes"]
    # 8 bits in place of 16, embeddings as they are: 0.599 of the reference.
    assert check["verdict"] == verdict
    assert check["candidate"]["value"] / check["reference"]["value"] == pytest.approx(0.599, abs=0.001)
    assert report["policy"]["limits"] == {"bytes": float(limit.strip("'x"))} or report["policy"]["limits"] == {"bytes": limit.strip("'")}
    assert report["ret"] == (0 if verdict == "pass" else 1)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("bytes = 'small'", "*limits.bytes is 'small'; expected the largest ratio to the reference*"),
        ("bytes = -1", "*limits.bytes is -1; expected the largest ratio*"),
        ("byte = 0.5", "*limits.byte is set, but this run does not measure byte of a recipe. Did you mean 'bytes'*"),
    ],
)
def test_a_wrong_limit_is_refused_before_anything_runs(gate, pytester, line, words):
    result = gate(configured(pytester, f"[limits]\n{line}\n"), benchmark="bytes")
    assert result.ret == 4
    result.stderr.fnmatch_lines([words])


def test_a_sentence_of_a_profile_that_is_not_met_is_refused_in_its_line(gate, pytester):
    text = "[profiles.base]\nlimits = [\n  'bytes <= 0.9x',\n  'byte <= 0.5x',\n]\n[profiles.nightly]\nextends = 'base'\n"
    result = gate(configured(pytester, text), "--unicomp-profile=nightly", benchmark="bytes")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*unicomp.toml:4: profiles.base.limits.1 is set, but this run does not measure byte of a recipe.*"])


def test_limits_are_sentences_too_and_what_compression_took_is_one_of_them(gate, pytester):
    lines = "limits = ['bytes <= 0.6 x reference', 'compress-seconds <= 1 h']\n"
    report = gate.report(configured(pytester, lines), benchmark="bytes,compress-seconds,compress-peak-memory")
    checks = {check["benchmark"]: check for check in report["checks"] if check["question"] == "efficiency"}
    assert checks["bytes"]["margin"] == pytest.approx(-0.4)
    seconds = checks["compress-seconds"]
    assert (seconds["verdict"], seconds["capability"], seconds["reference"]["value"]) == ("pass", "compute_cost", None)
    assert seconds["reason"].endswith("(exact), limit <= 1 h")
    assert seconds["candidate"]["value"] == report["recipes"][0]["artifact"]["compress_seconds"]
    assert report["policy"]["limits"] == {"bytes": ["<= 0.6 x reference"], "compress-seconds": ["<= 1 h"]}
    assert report["ret"] == 0


def test_what_was_not_compressed_has_no_cost_and_is_skipped_with_the_reason(gate):
    result = gate("-rs", recipe="dense", benchmark="bytes,compress-seconds")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["SKIPPED*nothing was compressed*"])
