"""Runs the static checks on an artifact's files, once per content."""

from __future__ import annotations

from pytest_unicomp.api.errors import guarded
from pytest_unicomp.api.records import Source
from pytest_unicomp.checkpoints import artifact_check
from pytest_unicomp.checkpoints.checks import Finding
from pytest_unicomp.run.check_inputs import Inspection
from pytest_unicomp.run.plan import REFERENCE
from pytest_unicomp.run.results import Results
from pytest_unicomp.run.sources import Sources
from pytest_unicomp.store.local import Store, digest


def inspect_artifact(recipe: str, results: Results, sources: Sources, store: Store) -> tuple[Inspection, Source]:
    """Return the artifact of a recipe with its findings, and the stored document that holds them."""
    artifact, reference = results.artifact(recipe), results.artifact(REFERENCE)
    # The kind's name is as old as the store.
    parts = artifact_check.identity(artifact, reference, digest_of=store.digests.of)
    key = digest(parts)
    kept = store.read("soundness", key)
    if kept is None:
        found = guarded(lambda: artifact_check.findings(artifact, reference), f"reading the artifact of {recipe}")
        kept = {"findings": [finding.model_dump(mode="json") for finding in found]}
        store.write("soundness", key, kept, parts)
    # Under its content too, by which a report names it.
    return Inspection(artifact, [Finding.model_validate(finding) for finding in kept["findings"]]), sources.of_findings(
        kept, artifact, reference
    )
