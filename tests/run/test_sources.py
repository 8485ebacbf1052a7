"""Sources name stored documents; what the store does not hold by key is kept under its content."""

from __future__ import annotations

from pytest_unicomp.api.records import Measurement
from pytest_unicomp.compare.hashes import content
from pytest_unicomp.engine.host.paired_timing import PairedRounds
from pytest_unicomp.run.check_inputs import Timed
from pytest_unicomp.store.local import digest
from tests.run.toy_run import GOOD, ToyRun, made
from tests.toys import artifact


def test_a_measurement_is_named_by_its_key_and_a_part_says_that_it_is_one(tmp_path):
    run, whole = ToyRun(tmp_path, GOOD), made(GOOD, "b")
    source = run.sources.of_measurement("rtn", "nano-safety", whole)
    assert (source.side, source.kind, source.key, source.part) == ("candidate", "measurements", "rtn-0", False)
    assert source.digest == content(whole)
    part = run.sources.of_measurement("rtn", "nano-safety", whole, frozenset({"a", "b"}))
    assert (part.key, part.part) == ("rtn-2", True)
    assert run.sources.of_measurement("reference", "nano-safety", whole).side == "reference"


def test_a_size_is_kept_under_its_content_since_it_has_no_key(tmp_path):
    run, size = ToyRun(tmp_path, GOOD), made(GOOD, "b").model_copy(update={"benchmark": "bytes"})
    source = run.sources.of_measurement("rtn", "bytes", size)
    assert source.kind == "evidence"
    assert Measurement.model_validate(run.store.read("evidence", source.key)) == size


def test_timings_and_findings_are_found_again_and_prove_their_content(tmp_path):
    run, rounds = ToyRun(tmp_path, GOOD), PairedRounds(lambda: None, lambda: None, ("dense", "int8"))
    rounds.reference_seconds, rounds.candidate_seconds = [1.0, 1.1], [0.5, 0.6]
    for source in (
        run.sources.of_timings(Timed(rounds, ("r" * 64,))),
        run.sources.of_findings({"findings": []}, artifact("a"), artifact("b")),
    ):
        assert source.side == "both"
        assert digest(run.store.read(source.kind, source.key)) == source.digest
