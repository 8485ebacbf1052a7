"""Records the origins of a report's measurements: machine, engine, library versions and day, one record for all that agree."""

from __future__ import annotations

from pytest_unicomp.api.records import Measurement, Origin


class Provenance:
    """Notes measurements without keeping them; a measurement that is noted twice counts once."""

    def __init__(self) -> None:
        """Start without origins."""
        self._met: dict[tuple[str, str], Origin] = {}

    def note(self, recipe: str, measurement: Measurement) -> None:
        """Note a measurement of `recipe`, the reference's under that name."""
        self._met[recipe, measurement.benchmark] = Origin(
            machine=measurement.machine,
            engine=measurement.conditions.engine,
            dtype=measurement.conditions.dtype,
            versions=measurement.versions,
            recipes=[recipe],
            measurements=1,
            first=measurement.created,
            last=measurement.created,
        )

    def origins(self) -> list[Origin]:
        """Return the noted origins, merged if machine, engine, dtype and versions are equal; those with most measurements first."""
        joined: dict[tuple[object, ...], Origin] = {}
        for origin in self._met.values():
            key = (origin.machine, origin.engine, origin.dtype, *sorted(origin.versions.items()))
            known = joined.get(key)
            joined[key] = origin if known is None else _joined(known, origin)
        return sorted(joined.values(), key=lambda origin: (-origin.measurements, origin.machine))


def _joined(one: Origin, other: Origin) -> Origin:
    return one.model_copy(
        update={
            "recipes": list(dict.fromkeys([*one.recipes, *other.recipes])),
            "measurements": one.measurements + other.measurements,
            "first": min(one.first, other.first),
            "last": max(one.last, other.last),
        }
    )
