"""Compares measurements: Measurement pairs -> Check -> verdicts of capability, recipe and run. The rules are in docs/verdicts.md."""

from pytest_unicomp.compare.absolute_limit import by_limits
from pytest_unicomp.compare.calibration import calibration_gain, calibration_gains
from pytest_unicomp.compare.comparability import mismatch
from pytest_unicomp.compare.drift import accepted, baseline_refusal, drift
from pytest_unicomp.compare.efficiency import Ratio, cost, sizes
from pytest_unicomp.compare.flips import with_floor
from pytest_unicomp.compare.must_pass import must_pass, must_pass_items
from pytest_unicomp.compare.partial import missing_of
from pytest_unicomp.compare.policy import Policy
from pytest_unicomp.compare.pooling import pool
from pytest_unicomp.compare.ranking import Measured, rankings
from pytest_unicomp.compare.recipe import hidden_danger, recipe_verdict, run_verdict, survives_holm
from pytest_unicomp.compare.reply_limits import reply_limits
from pytest_unicomp.compare.retention import retention
from pytest_unicomp.compare.sequential import fixed_order, sequential_retention
from pytest_unicomp.compare.unavailable import broken, missing_baseline
from pytest_unicomp.compare.whole_gate import unchanged, unchanged_gate
from pytest_unicomp.compare.wording import NATS as NATS

__all__ = [
    "NATS",
    "Measured",
    "Policy",
    "Ratio",
    "accepted",
    "baseline_refusal",
    "broken",
    "by_limits",
    "calibration_gain",
    "calibration_gains",
    "cost",
    "drift",
    "fixed_order",
    "hidden_danger",
    "mismatch",
    "missing_baseline",
    "missing_of",
    "must_pass",
    "must_pass_items",
    "pool",
    "rankings",
    "recipe_verdict",
    "reply_limits",
    "retention",
    "run_verdict",
    "sequential_retention",
    "sizes",
    "survives_holm",
    "unchanged",
    "unchanged_gate",
    "with_floor",
]
