"""`unicomp compare` on files as people have them: plain lines, lm-eval samples, and every way in which they can be wrong."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
    assert isinstance(found.exception, UsageProblem), (found.output, found.exception)
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
        "doc": {"question": f"what is {place}?", "meta": {"subject": place % 60}},
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
    assert "9 items (0, 1, 2 and 6 more) are other documents in the candidate: item 0: prompt_hash is" in check.reason


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (plain(9), plain(5), "lacks 4 items (q5, q6, q7 and 1 more)"),
        (plain(3), plain(4), "lacks 1 item (q3)"),
        (plain(3), [*plain(3), *plain(2)], "2 ids (q0, q1) occur more than once"),
        (plain(2), [{"id": "q0", "score": 1}, {"id": "q1", "score": float("nan")}], "not a finite number for 1 item (q1)"),
        (plain(2), [{"id": "q0", "score": 1}, {"id": "q1", "score": "yes"}], "not a finite number for 1 item (q1)"),
        (plain(2), [{"id": "q0", "score": 1}, {"id": "q1"}], "b.jsonl:2 (item q1) has no 'score'"),
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


def test_half_a_character_in_replies_and_ids_gives_a_verdict(tmp_path):
    cut = [sample(place, place % 2, filtered_resps=["\ud83d" if place % 3 else "x"]) for place in range(120)]
    first, second = (
        written(tmp_path / "samples_a.jsonl", [sample(place, place % 2) for place in range(120)]),
        written(tmp_path / "b.jsonl", cut),
    )
    check, code = checked(first, second, "--margin", "0.1")
    assert (check.verdict, code) == ("pass", 0)
    ids = written(tmp_path / "c.jsonl", [{"id": "half \ud83d", "score": 1}])
    others = written(tmp_path / "d.jsonl", [{"id": "Zoë\u2028", "score": 1}])
    message = refused(ids, others)
    assert "d.jsonl lacks 1 item (half \\ud83d)" in message
    assert "c.jsonl lacks 1 item (Zoë\\u2028)" in message


def test_ids_that_only_look_the_same_are_explained(tmp_path):
    composed, decomposed = (
        written(tmp_path / name, [{"id": key, "score": 1}]) for name, key in (("a.jsonl", "Zo\u00eb"), ("b.jsonl", "Zoe\u0308"))
    )
    assert "NFC or NFD" in refused(composed, decomposed)


def test_items_that_were_not_scored_never_pass(tmp_path):
    rows = [sample(place, True, metric="bypass") | {"bypass": 999} for place in range(50)]
    path = written(tmp_path / "samples_a.jsonl", rows)
    assert "--predict_only" in refused(path, path)
    assert "--predict_only" in refused(path, path, "--metric", "bypass")
    unlisted = written(tmp_path / "samples_b.jsonl", [{key: value for key, value in row.items() if key != "metrics"} for row in rows])
    assert "--predict_only" in refused(unlisted, unlisted)
    renamed = written(tmp_path / "c.jsonl", [{"id": place, "score": 999} for place in range(50)])
    assert "hold 999 for every item" in refused(renamed, renamed)
    # Another metric beside the placeholder is a score.
    both = written(tmp_path / "samples_d.jsonl", [{**row, "metrics": ["bypass", "acc"], "acc": 1.0} for row in rows])
    assert checked(both, both)[0].metric == "acc"


def test_a_reference_that_gets_nothing_right_shows_no_loss(tmp_path):
    nothing, all_right = written(tmp_path / "a.jsonl", plain(200, wrong=range(200))), written(tmp_path / "b.jsonl", plain(200))
    assert checked(nothing, nothing)[0].verdict == "inconclusive"
    assert checked(all_right, all_right, "--lower-is-better")[0].verdict == "inconclusive"
    assert checked(nothing, nothing, "--lower-is-better")[0].verdict == "pass"


def test_perplexities_are_compared_in_nats_whatever_the_margin_of_rates(tmp_path):
    def rows(loss, metric, value):
        return [sample(place, True, metric=metric) | {metric: value(-loss * (20 + place % 7), 10)} for place in range(60)]

    pair, alone = (lambda total, words: [total, words]), (lambda total, words: total)
    for metric, value, unit in (("word_perplexity", pair, "nats per word"), ("perplexity", alone, "nats per item")):
        before, after = written(tmp_path / "a.jsonl", rows(1.0, metric, value)), written(tmp_path / "b.jsonl", rows(1.1, metric, value))
        assert checked(before, after, "--margin", "5")[0].verdict == "pass"
        check, code = checked(before, after, "--margin", "0.1")
        assert (check.verdict, code, check.higher_is_better) == ("fail", 1, False)
        assert f"{unit} (90 % interval" in check.reason
        assert "points" not in check.reason
        assert "leave it out" in refused(before, after, "--chance", "0.5")
    assert "a number above 0" in refused(before, after, "--margin", "0")


def test_scores_outside_rates_are_plain_numbers_in_words(tmp_path):
    files = [
        written(tmp_path / f"{name}.jsonl", [{"id": n, "score": 40 + n % 9 + more} for n in range(50)])
        for name, more in (("a", 0), ("b", -2))
    ]
    check, _ = checked(*files, "--margin", "1")
    assert check.verdict == "fail"
    assert check.reason.startswith("lost: -2.000 (90 % interval -2.1")
    assert "more than the 1.000 allowed" in check.reason


def test_scores_whose_ratio_is_not_a_number_have_no_retention(tmp_path):
    first, second = (written(tmp_path / name, [{"id": 0, "score": score}]) for name, score in (("a", 2.3e-309), ("b", 4.0)))
    check, code = checked(first, second)
    assert (check.retention, check.verdict, code) == (None, "inconclusive", 6)


def test_lists_of_answers_are_items_in_clusters(tmp_path):
    def rows(wrong):
        return [sample(n, True, metric="inst_acc") | {"inst_acc": [n not in wrong, True, n % 2 == 0][: 1 + n % 3]} for n in range(90)]

    first, second = written(tmp_path / "a.jsonl", rows(())), written(tmp_path / "b.jsonl", rows((4, 5)))
    check, _ = checked(first, second)
    assert (check.n, check.flips.lost) == (180, 2)
    assert "effective items" in check.reason
    shorter = written(tmp_path / "c.jsonl", [row | {"inst_acc": row["inst_acc"][:1]} for row in rows(())])
    assert "c.jsonl lacks 90 items (1[1], 2[1], 2[2] and 87 more)" in refused(first, shorter)


def test_metrics_of_the_whole_set_have_no_score_per_item(tmp_path):
    rows = [sample(place, True, metric="bleu") | {"bleu": ["a", "b"]} for place in range(9)]
    path = written(tmp_path / "samples_a.jsonl", rows)
    message = refused(path, path)
    assert "'bleu' is not a finite number for 9 items (0, 1, 2 and 6 more)" in message
    assert "has no score per item" in message


def test_filters_that_are_not_named_are_explained(tmp_path):
    old = [{key: value for key, value in sample(place, True).items() if key != "filter"} for place in range(9)]
    path = written(tmp_path / "samples_a.jsonl", [*old, *old])
    assert "once per filter, and older versions do not name it" in refused(path, path)
    once = written(tmp_path / "samples_b.jsonl", old)
    assert "Its lines name none; leave --filter out" in refused(once, once, "--filter", "strict-match")
    named = written(tmp_path / "c.jsonl", [{"id": n, "score": 1, "filter": kind} for n in range(9) for kind in "ab"])
    assert "the filters a, b; choose one" in refused(named, named)
    assert checked(named, named, "--filter", "b")[0].n == 9


def test_one_list_of_objects_is_read_like_lines(tmp_path):
    path = tmp_path / "samples_a.jsonl"
    path.write_text(json.dumps([sample(place, True) for place in range(90)], indent=4), encoding="utf-8")
    assert checked(str(path), str(path))[0].n == 90


def test_json_can_be_read_from_a_terminal_that_lacks_the_characters(tmp_path):
    path = written(tmp_path / "ë.jsonl", plain(50))
    found = CliRunner(charset="ascii").invoke(cli.app, ["compare", path, path, "--json"])
    assert json.loads(found.stdout)["recipe"] == "ë"


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(["", "x", "\ud83d", "1.0"]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
LINES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.integers(0, 5) | VALUES,
            "score": st.sampled_from([0, 1, 0.5]) | VALUES,
            "logprobs": VALUES,
            "cluster": VALUES,
            "target": VALUES,
            "doc_id": st.integers(0, 5) | VALUES,
            "acc": st.sampled_from([0, 1]) | VALUES,
            "perplexity": VALUES,
            "metrics": st.sampled_from([["acc"], ["acc", "perplexity"], [], None, [1]]),
            "filter": VALUES,
            "filtered_resps": VALUES,
            "arguments": VALUES,
            "doc": VALUES,
        },
    ),
    max_size=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(first=LINES, second=LINES | st.none(), lower=st.booleans(), margin=st.sampled_from(["0.03", "5%", "1.2x errors"]))
def test_any_two_files_give_a_verdict_or_one_line(tmp_path, first, second, lower, margin):
    files = [written(tmp_path / "a.jsonl", first), written(tmp_path / "b.jsonl", first if second is None else second)]
    found = asked(*files, "--margin", margin, "--json", *(["--lower-is-better"] if lower else []))
    if isinstance(found.exception, UsageProblem):
        assert len(str(found.exception).splitlines()) == 1
    else:
        assert isinstance(found.exception, SystemExit | None), found.exception
        assert found.exit_code in (0, 1, 6)
        Check.model_validate_json(found.stdout)
