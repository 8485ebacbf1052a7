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
        ("byte = 0.5", "*limits.byte is set, and this run does not measure byte of a recipe. Did you mean 'bytes'*"),
    ],
)
def test_a_wrong_limit_is_refused_before_anything_runs(gate, pytester, line, words):
    result = gate(configured(pytester, f"[limits]\n{line}\n"), benchmark="bytes")
    assert result.ret == 4
    result.stderr.fnmatch_lines([words])
