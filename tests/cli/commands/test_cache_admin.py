"""The store is listed, checked and thinned without touching what is in use."""

import json
import os
import time

import pytest
from typer.testing import CliRunner

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.cli import app
from pytest_unicomp.cli.commands import cache_admin
from pytest_unicomp.compare import hashes
from pytest_unicomp.store.local import Store
from tests.toys import artifact, measurement

DAY = 86400


@pytest.fixture
def store(tmp_path):
    """An artifact of the model "base" with a measurement of it, and one of something else."""
    found = Store(tmp_path / "store")

    def make(folder):
        (folder / "model.safetensors").write_bytes(b"x" * 1000)
        (folder / "unicomp.json").write_text(json.dumps({"reference": {"model": "base", "fingerprint": "r" * 64}}))
        return artifact(str(folder)).model_dump(mode="json")

    found.make_folder("artifacts", "a" * 32, make)
    found.write("measurements", "b" * 32, measurement([1.0], artifact="f" * 64).model_dump(mode="json"))
    found.write("measurements", "c" * 32, measurement([0.0], artifact="0" * 64).model_dump(mode="json"))
    kept = measurement([1.0, 0.0])
    found.write("evidence", hashes.content(kept), kept.model_dump(mode="json"))
    age(found, days=40)
    return found


def age(store, *, days):
    for path in store.root.glob("*/*"):
        os.utime(path, (time.time() - days * DAY,) * 2)


def run(*words):
    return CliRunner().invoke(app, ["cache", *words])


def test_what_is_there_is_listed_with_the_model_that_it_belongs_to(store):
    rows = json.loads(run("list", "--json", "--cache", str(store.root)).output)
    assert {(row["kind"], row["model"], row["what"]) for row in rows} >= {
        ("artifacts", "base", "toy"),
        ("measurements", "base", "toy"),
        ("measurements", None, "toy"),
    }
    assert all(39 < row["age_days"] < 41 for row in rows)
    sizes = {row["kind"]: row for row in json.loads(run("size", "--json", "--cache", str(store.root)).output)}
    assert sizes["total"]["entries"] == len(rows)
    assert sizes["artifacts"]["bytes"] > 1000


def test_what_was_used_lately_stays_and_use_is_noted_by_reading(store):
    assert store.read("measurements", "b" * 32)
    assert store.folder("artifacts", "a" * 32)
    done = run("prune", "--older-than", "30", "--json", "--cache", str(store.root))
    gone = {(row["kind"], row["key"]) for row in json.loads(done.output)}
    assert ("measurements", "c" * 32) in gone
    assert not {("measurements", "b" * 32), ("artifacts", "a" * 32)} & gone
    assert store.read("measurements", "c" * 32) is None
    assert store.read("measurements", "b" * 32)


def test_the_longest_unused_goes_until_the_rest_is_small_enough(store):
    os.utime(store.root / "artifacts" / ("a" * 32), (time.time() - 90 * DAY,) * 2)
    done = run("prune", "--keep", "1MB", "--json", "--cache", str(store.root))
    assert json.loads(done.output) == []
    listed = cache_admin.entries(store)
    most = sum(entry.bytes for entry in listed) - 1
    assert [entry.kind for entry in cache_admin.to_remove(listed, older_than=None, keep_bytes=most, now=time.time())] == ["artifacts"]


def test_a_dry_run_takes_nothing_away(store):
    assert "would be removed" in run("prune", "--older-than", "1", "--dry-run", "--cache", str(store.root)).output
    assert store.folder("artifacts", "a" * 32)


def test_what_another_process_is_making_stays(store):
    with store.lock("artifacts", "a" * 32):
        gone, held = cache_admin.remove(store, cache_admin.entries(store))
    assert [entry.kind for entry in held] == ["artifacts"]
    assert store.folder("artifacts", "a" * 32)
    assert "artifacts" not in [entry.kind for entry in gone]


def test_what_a_running_recipe_or_measurement_goes_on_from_stays(store):
    with store.lock("artifacts", "d" * 32), store.scratch("artifacts", "d" * 32) as scratch, store.lock("measurements", "e" * 32):
        (scratch / "state").write_text("hours of training")
        journal = store.root / "journals" / f"{'e' * 32}.jsonl"
        journal.parent.mkdir()
        journal.write_text("answers")
        seen = {}

        def make(folder):
            (folder / "weights").write_text("half of them")
            _, held = cache_admin.remove(store, cache_admin.entries(store))
            seen.update({entry.kind: entry.key for entry in held})
            assert (folder / "weights").is_file()
            return {}

        store.make_folder("artifacts", "d" * 32, make)
        assert (scratch / "state").is_file()
        assert journal.is_file()
    assert seen.keys() == {"artifacts", "scratch", "journals"}
    assert seen["artifacts"].startswith(f".{'d' * 32}.")


def test_what_a_kill_left_of_them_goes(store):
    for name in (f"scratch/artifacts-{'d' * 32}", f"artifacts/.{'d' * 32}.x1_y2z3w"):
        (store.root / name).mkdir(parents=True)
    (store.root / "journals").mkdir()
    (store.root / "journals" / f"{'e' * 32}.jsonl").write_text("answers")
    left = [entry for entry in cache_admin.entries(store) if entry.kind in ("scratch", "journals") or entry.what == "damaged"]
    assert len(left) == 3
    assert cache_admin.remove(store, left) == (left, [])
    assert not any(entry.path.exists() for entry in left)


def test_everything_of_one_model_can_be_taken_away(store):
    assert run("clear", "base", "--cache", str(store.root)).exit_code == 0
    assert store.folder("artifacts", "a" * 32) is None
    assert store.read("measurements", "b" * 32) is None
    assert store.read("measurements", "c" * 32)
    with pytest.raises(UsageProblem, match=r"holds nothing of 'basis'"):
        CliRunner().invoke(app, ["cache", "clear", "basis", "--cache", str(store.root)], standalone_mode=False, catch_exceptions=False)


def test_damage_of_every_kind_is_found(store):
    assert run("verify", "--cache", str(store.root)).exit_code == 0
    weights = store.root / "artifacts" / ("a" * 32) / "model.safetensors"
    weights.write_bytes(b"y" * 1000)
    (store.root / "measurements" / f"{'b' * 32}.json").write_text('{"benchmark": "toy"}')
    (store.root / "measurements" / f"{'c' * 32}.json").write_text("{")
    (file,) = (store.root / "evidence").glob("*.json")
    file.write_text(file.read_text().replace("toy machine", "another"))
    done = run("verify", "--json", "--cache", str(store.root))
    assert done.exit_code == 1
    problems = {(row["kind"], row["key"][:1]): row["problem"] for row in json.loads(done.output)}
    assert "model.safetensors" in problems["artifacts", "a"]
    assert "carries no digest" in problems["measurements", "b"]
    assert "cannot be read" in problems["measurements", "c"]
    assert sum(kind == "evidence" for kind, _ in problems) == 1


def test_the_log_of_a_server_that_failed_is_listed_and_is_no_damage(store):
    (store.root / "logs").mkdir()
    (store.root / "logs" / "toy-1.log").write_text("Traceback")
    [log] = [entry for entry in cache_admin.entries(store) if entry.kind == "logs"]
    assert (log.key, log.bytes, log.what) == ("toy-1", 9, "")
    assert cache_admin.problems(store) == []


def test_an_edited_score_and_an_edited_record_are_found_and_what_was_set_aside_is_listed_as_such(store):
    file = store.root / "measurements" / f"{'b' * 32}.json"
    document = json.loads(file.read_text())
    document["items"][0]["score"] = 0.0
    file.write_text(json.dumps(document))
    manifest = store.root / "artifacts" / ("a" * 32) / "unicomp-manifest.json"
    manifest.write_text(manifest.read_text().replace("ffffffff", "00000000"))
    done = run("verify", "--json", "--cache", str(store.root))
    assert done.exit_code == 1
    problems = {row["kind"]: row["problem"] for row in json.loads(done.output)}
    assert problems == {
        "measurements": "its content differs from its digest",
        "artifacts": "its manifest is not what was written: its content differs from its digest",
    }
    assert store.read("measurements", "b" * 32) is None
    assert store.folder("artifacts", "a" * 32) is None
    assert run("verify", "--cache", str(store.root)).exit_code == 0
    listed = [entry for entry in cache_admin.entries(store) if entry.kind == "quarantine"]
    assert len(listed) == 2
    assert all("its content differs from its digest" in entry.what for entry in listed)
    assert cache_admin.remove(store, listed) == (listed, [])


@pytest.mark.parametrize(("text", "bytes_"), [("20GB", 20 * 10**9), ("500 mb", 5 * 10**8), ("7", 7)])
def test_sizes_are_read(text, bytes_):
    assert cache_admin.parse_size(text) == bytes_


@pytest.mark.parametrize("words", [["prune"], ["prune", "--keep", "much"], ["prune", "--older-than", "-1"]])
def test_what_cannot_be_meant_is_refused(store, words):
    with pytest.raises(UsageProblem, match=r"--older-than|--keep"):
        CliRunner().invoke(app, ["cache", *words, "--cache", str(store.root)], standalone_mode=False, catch_exceptions=False)
