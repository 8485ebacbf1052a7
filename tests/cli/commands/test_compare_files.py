"""`unicomp compare` on files as people have them: plain lines, lm-eval samples, and every way in which they can be wrong."""

from __future__ import annotations

import json
import math

import pytest
from typer.testing import CliRunner

from pytest_unicomp import cli
from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import Check

RUN = CliRunner()


def written(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def plain(n, wrong=(), **more):
    return [{"id": f"q{place}", "score": int(place not in wrong), **more} for place in range(n)]


def asked(*words):
    return RUN.invoke(cli.app, ["compare", *words])


def checked(*words):
    found = asked(*words, "--json")
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return Check.model_validate_json(found.stdout), found.exit_code


def refused(*words):
    found = asked(*words)
    assert isinstance(found.exception, UsageProblem)
    assert "\n" not in str(found.exception)
    return str(found.exception)


@pytest.mark.parametrize(("lost", "verdict", "code"), [(5, "pass", 0), (30, "inconclusive", 6), (90, "fail", 1)])
def test_the_exit_code_is_the_verdict(tmp_path, lost, verdict, code):
    reference = written(tmp_path / "fp16.jsonl", plain(1000))
    candidate = written(tmp_path / "int4.jsonl", reversed(plain(1000, wrong=range(lost))))
    check, status = checked(reference, candidate, "--margin", "0.03")
    assert (check.verdict, status) == (verdict, code)
    assert (check.flips.lost, check.n, check.recipe, check.margin) == (lost, 1000, "int4", 0.03)


def test_a_tighter_alpha_and_a_relative_margin_change_the_question(tmp_path):
    reference = written(tmp_path / "a.jsonl", plain(1000, wrong=range(500)))
    candidate = written(tmp_path / "b.jsonl", plain(1000, wrong=range(532)))
    absolute, _ = checked(reference, candidate, "--margin", "0.05")
    relative, _ = checked(reference, candidate, "--margin", "5%")
    strict, _ = checked(reference, candidate, "--margin", "0.05", "--alpha", "0.001")
    assert (absolute.verdict, relative.verdict, strict.verdict) == ("pass", "inconclusive", "inconclusive")
    assert relative.margin == pytest.approx(0.025)
    assert strict.confidence == pytest.approx(0.998)


def test_items_of_one_subject_widen_the_interval(tmp_path):
    rows = [plain(400), plain(400, wrong=range(0, 60, 2))]
    for side in rows:
        for place, row in enumerate(side):
            row["subject"] = place // 20
    files = [written(tmp_path / f"{name}.jsonl", side) for name, side in zip("ab", rows, strict=True)]
    alone, together = checked(*files)[0], checked(*files, "--cluster", "subject")[0]
    assert together.interval[0] < alone.interval[0] - 0.01
    assert "'topic'" in refused(*files, "--cluster", "topic")


def test_log_probabilities_of_the_options_fill_the_divergence(tmp_path):
    files = []
    for name, shift in (("a", 0.0), ("b", 0.4)):
        rows = plain(50)
        for place, row in enumerate(rows):
            row["logprobs"] = [-1.0 - shift, -1.2, -2.0] if place % 2 else [-0.2, -2.0, -3.0]
        files.append(written(tmp_path / f"{name}.jsonl", rows))
    check, _ = checked(*files)
    assert check.divergence.top1_agreement == 0.5
    first, second = (_softmax([-1.0 - shift, -1.2, -2.0]) for shift in (0.0, 0.4))
    distance = sum(one * math.log(one / other) for one, other in zip(first, second, strict=True))
    assert check.divergence.kl_mean == pytest.approx(distance / 2)
    assert check.divergence.kl_stderr == pytest.approx(distance / 2 / 49**0.5)


def _softmax(values):
    total = sum(math.exp(value) for value in values)
    return [math.exp(value) / total for value in values]


def sample(place, right, *, metric="acc", kind="none", **more):
    return {
        "doc_id": place,
        "doc": {"question": f"what is {place}?", "meta": {"subject": place % 20}},
        "target": "0",
        "arguments": {},
        "resps": [],
        "filtered_resps": [["-1.5", "False"], ["-0.5" if right else "-2.5", "True"]],
        "filter": kind,
        "metrics": [metric],
        "doc_hash": f"{place:064x}",
        "prompt_hash": f"{place:064x}",
        "target_hash": "0",
        metric: float(right),
        **more,
    }


def test_samples_of_lm_eval_are_read_as_they_are(tmp_path):
    reference = written(tmp_path / "samples_arc_easy_2026-01-01T10-00-00.000000.jsonl", [sample(place, True) for place in range(300)])
    candidate = written(tmp_path / "samples_arc_easy_2026-01-02T10-00-00.000000.jsonl", [sample(place, place > 3) for place in range(300)])
    check, code = checked(reference, candidate, "--margin", "0.05", "--cluster", "meta.subject")
    assert (check.benchmark, check.metric, check.verdict, code, check.flips.lost) == ("arc_easy", "acc", "pass", 0, 4)
    assert check.divergence.top1_agreement == pytest.approx(296 / 300)
    assert "effective items" in check.reason


def test_a_metric_and_a_filter_are_chosen_where_there_are_several(tmp_path):
    kinds = ("strict-match", "flexible-extract")
    rows = [
        sample(place, place > 8 or kind == kinds[1], metric="exact_match", kind=kind, acc_norm=1.0, metrics=["exact_match", "acc_norm"])
        for place in range(100)
        for kind in kinds
    ]
    path = written(tmp_path / "samples_gsm8k.jsonl", rows)
    assert "strict-match, flexible-extract" in refused(path, path)
    assert "exact_match, acc_norm" in refused(path, path, "--filter", "strict-match")
    assert "Did you mean 'strict-match'" in refused(path, path, "--filter", "strict")
    check, _ = checked(path, path, "--filter", "strict-match", "--metric", "exact_match")
    assert check.candidate.value == pytest.approx(0.91)


def test_another_prompt_is_not_comparable(tmp_path):
    first = written(tmp_path / "samples_toy.jsonl", [sample(place, True) for place in range(9)])
    second = written(tmp_path / "samples_toy2.jsonl", [sample(place, True, prompt_hash="f" * 64) for place in range(9)])
    check, code = checked(first, second)
    assert (check.verdict, code) == ("not_comparable", 6)
    assert "prompt_digest" in check.reason


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (plain(9), plain(5), "lacks 4 items (q5, q6, q7 and 1 more)"),
        (plain(3), plain(4), "lacks 1 item (q3)"),
        (plain(3), [*plain(3), *plain(2)], "2 ids (q0, q1) occur more than once"),
        (plain(2), [{"id": "q0", "score": 1}, {"id": "q1", "score": float("nan")}], "not a finite number for 1 item (q1)"),
        (plain(2), [{"id": "q0", "score": 1}, {"id": "q1", "score": "yes"}], "not a finite number for 1 item (q1)"),
        (plain(2), [{"id": "q0", "score": 1}, {"id": "q1"}], "record 2 has no 'score'"),
        (plain(2), [{"name": "q0"}], ":1 is"),
        (plain(2), [], "holds no items"),
        (plain(2, logprobs=[0.0, -1.0]), plain(2, logprobs=[0.0, float("-inf")]), "logprobs of item q0"),
    ],
)
def test_what_does_not_pair_is_named(tmp_path, first, second, words):
    message = refused(written(tmp_path / "a.jsonl", first), written(tmp_path / "b.jsonl", second))
    assert words in message
    assert message.startswith("unicomp: ")


def test_files_that_are_not_json_lines_are_named_with_their_line(tmp_path):
    good, bad = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    written(good, plain(2))
    bad.write_text('{"id": "q0", "score": 1}\nbroken\n', encoding="utf-8")
    assert "b.jsonl:2 is not JSON" in refused(str(good), str(bad))
    bad.write_bytes(b"\xff\xfe")
    assert "cannot be read" in refused(str(good), str(bad))
    assert "cannot be read" in refused(str(good), str(tmp_path / "none.jsonl"))


@pytest.mark.parametrize("margin", ["0", "-1", "nan", "5", "x", "0.9x errors", "100%"])
def test_margins_without_a_meaning_are_refused(tmp_path, margin):
    path = written(tmp_path / "a.jsonl", plain(3))
    assert "--margin" in refused(path, path, f"--margin={margin}")


def test_a_margin_that_allows_any_number_of_errors_passes_everything(tmp_path):
    first, second = written(tmp_path / "a.jsonl", plain(40, wrong=range(20))), written(tmp_path / "b.jsonl", plain(40, wrong=range(40)))
    check, _ = checked(first, second, "--margin", "9x errors")
    assert (check.verdict, check.margin) == ("pass", pytest.approx(4.0))


def test_a_line_separator_inside_a_text_does_not_end_the_line(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "q\u2028", "score": 1, "answer": "a\u2028b"}\n{"id": "q1", "score": 1}\n', encoding="utf-8")
    assert checked(str(path), str(path))[0].n == 2


def test_the_command_prints_what_decided(tmp_path):
    path = written(tmp_path / "a.jsonl", plain(400))
    found = asked(path, path)
    assert found.exit_code == 0
    assert found.stdout.startswith("PASS: kept: +0.0 points")
    assert "flips: 0 lost, 0 gained" in found.stdout
