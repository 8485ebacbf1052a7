from pytest_unicomp.api.records import Measurement
from pytest_unicomp.run.provenance import Provenance
from tests.toys import measurement


def measured(benchmark: str, *, machine: str = "2 cores", torch: str = "2.13.0", created: str = "2026-01-31T12:00:00+00:00") -> Measurement:
    changes = {"machine": machine, "versions": {"torch": torch}, "created": created}
    return measurement([1.0], benchmark=benchmark).model_copy(update=changes)


def test_measurements_that_agree_are_told_once_with_their_first_and_last_day() -> None:
    provenance = Provenance()
    provenance.note("reference", measured("a", created="2026-01-31T12:00:00+00:00"))
    provenance.note("wanda-50", measured("a", created="2026-02-01T12:00:00+00:00"))
    provenance.note("wanda-50", measured("b", created="2026-01-30T12:00:00+00:00"))
    (origin,) = provenance.origins()
    assert (origin.measurements, origin.recipes) == (3, ["reference", "wanda-50"])
    assert (origin.first[:10], origin.last[:10]) == ("2026-01-30", "2026-02-01")


def test_another_machine_and_another_library_are_told_apart() -> None:
    provenance = Provenance()
    provenance.note("reference", measured("a", machine="old"))
    provenance.note("reference", measured("b", torch="2.12.0"))
    provenance.note("wanda-50", measured("a"))
    provenance.note("wanda-50", measured("b"))
    assert [(origin.machine, origin.versions["torch"], origin.measurements) for origin in provenance.origins()] == [
        ("2 cores", "2.13.0", 2),
        ("2 cores", "2.12.0", 1),
        ("old", "2.13.0", 1),
    ]


def test_a_measurement_that_is_met_again_counts_once() -> None:
    provenance = Provenance()
    for _ in range(3):
        provenance.note("reference", measured("a"))
    assert [origin.measurements for origin in provenance.origins()] == [1]
