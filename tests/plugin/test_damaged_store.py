"""Content decides: what was changed in the store, or in a candidate's folder, since it was written is found by the next run, whatever size and
time say."""

import json
import os
import shutil

import pytest

from pytest_unicomp.checkpoints import hub


@pytest.fixture
def own(gate, tmp_path):
    """A gate on a copy of the store."""
    shutil.copytree(gate.store, tmp_path / "store", ignore=shutil.ignore_patterns("locks"))
    gate.store = tmp_path / "store"
    return gate


def in_place(file, change):
    """Change a file and put back its times; its size must not change."""
    before = file.stat()
    content = change(file.read_bytes())
    assert len(content) == before.st_size
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def zero_an_eighth(content):
    start, length = len(content) // 2, len(content) // 8
    return content[:start] + bytes(length) + content[start + length :]


def values(report):
    return {check["benchmark"]: check["candidate"]["value"] for check in report["checks"] if check["question"] == "retention"}


def test_a_stored_weight_that_was_changed_in_place_is_made_again_and_nothing_false_is_kept(own):
    before = own.report(benchmark="nano-knowledge")
    for weights in (own.store / "artifacts").glob("*/model.safetensors"):
        in_place(weights, zero_an_eighth)
    # A benchmark that the store has not measured: it would be measured on the damaged weights.
    after = own.report(benchmark="nano-knowledge,nano-fairness")
    shown = after["result"].stdout.str()
    assert "is damaged (its content differs from its manifest: model.safetensors)" in shown
    assert "compress rtn-w8a16" in shown
    assert after["recipes"][0]["artifact"]["fingerprint"] == before["recipes"][0]["artifact"]["fingerprint"]
    fresh = own.report(benchmark="nano-knowledge,nano-fairness")
    assert values(fresh) == values(after)
    shutil.rmtree(own.store / "measurements")
    assert values(own.report(benchmark="nano-knowledge,nano-fairness")) == values(after)


def test_scores_that_were_edited_in_the_store_are_measured_again(own):
    before = own.report()
    for file in (own.store / "measurements").glob("*.json"):
        document = json.loads(file.read_text(encoding="utf-8"))
        for item in document["items"]:
            item["score"] = 0.0
        file.write_text(json.dumps(document), encoding="utf-8")
    after = own.report()
    assert values(after) == values(before)
    assert "its content differs from its digest" in after["result"].stdout.str()
    assert list((own.store / "quarantine").iterdir())


@pytest.mark.parametrize("name", ["config.json", "generation_config.json"])
def test_an_end_token_that_was_changed_in_place_fails_the_check_of_the_files_that_had_passed(own, tmp_path, name):
    folder = tmp_path / "theirs"
    shutil.copytree(hub.resolve("nano", None), folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    end = json.loads((folder / name).read_text(encoding="utf-8"))["eos_token_id"]

    def artifact_check():
        report = own.report(f"--unicomp-candidate={folder}", recipe=None)
        return next(check for check in report["checks"] if check["question"] == "artifact")

    assert artifact_check()["verdict"] == "pass"
    in_place(folder / name, lambda text: text.replace(b'"eos_token_id": %d' % end, b'"eos_token_id": %d' % (end + 1)))
    assert artifact_check()["verdict"] == "fail"


def test_what_was_measured_on_data_of_a_bundle_that_changed_since_is_not_used(gate, tmp_path):
    file = tmp_path / "bundle" / "trustllm" / "dataset" / "truthfulness" / "external.json"

    def written(label):
        return json.dumps([{"prompt": f"Verify {place}.", "answer": label, "source": "scifact"} for place in range(6)]).encode()

    def keys():
        report = gate.report(f"--unicomp-bundle={tmp_path / 'bundle'}", benchmark="trustllm-scifact")
        [check] = [check for check in report["checks"] if check["question"] == "retention"]
        return {source["side"]: source["key"] for source in check["sources"]}

    file.parent.mkdir(parents=True)
    file.write_bytes(written("SUPPORT"))
    first = keys()
    assert keys() == first
    in_place(file, lambda _: written("REFUTES"))
    second = keys()
    assert second["reference"] != first["reference"]
    assert second["candidate"] != first["candidate"]
