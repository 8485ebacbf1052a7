"""Pairs of measurements for the tests of checks, and the checks of them under the default policy."""

from __future__ import annotations

from pytest_unicomp.compare import Policy, drift, retention
from tests.toys import measurement

POLICY = Policy()


def rates(losses, gains, n, *, right=0.8):
    """Scores of reference and candidate with so many flips; `right` is the share that the reference has right."""
    known = round(n * right)
    before = [1.0] * known + [0.0] * (n - known)
    after = [0.0] * losses + [1.0] * (known - losses) + [1.0] * gains + [0.0] * (n - known - gains)
    return before, after


def retained(reference, candidate, *, policy=POLICY, identical=False):
    return retention(reference, candidate, recipe="toy", family="pruning", gates=True, policy=policy, identical=identical)


def drifted(baseline, current, *, policy=POLICY):
    return drift(baseline, current, recipe="toy", family="pruning", gates=True, policy=policy)


def compared(losses, gains, n, **changes):
    before, after = rates(losses, gains, n)
    reference, candidate = measurement(before), measurement(after, artifact="b" * 8)
    return retained(reference.model_copy(update=changes), candidate.model_copy(update=changes))


def changed(record, **conditions):
    return record.model_copy(update={"conditions": record.conditions.model_copy(update=conditions)})


def with_items(record, change):
    return record.model_copy(update={"items": change(list(record.items))})
