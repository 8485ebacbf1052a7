"""Statistics of paired evaluations: numbers in, numbers out, no records. Import names from here; each is explained in its own module."""

from pytest_unicomp.compare.stats.betting import kelly, log_capital
from pytest_unicomp.compare.stats.bootstrap import bootstrap_difference
from pytest_unicomp.compare.stats.calibration import brier, independent_pairs, squared_kernel_calibration_error
from pytest_unicomp.compare.stats.clusters import Sums, cluster_sums, design_effect, design_effects
from pytest_unicomp.compare.stats.conformal import set_sizes
from pytest_unicomp.compare.stats.corpus import f1, log_perplexity, pearson
from pytest_unicomp.compare.stats.decisions import Decisions, decide_clustered, decide_counts, decide_sums, normal_bounds, normal_statistic
from pytest_unicomp.compare.stats.exact import exact_interval, exact_tail
from pytest_unicomp.compare.stats.means import Mean, clustered_mean, mean, mean_and_error, t_interval, t_probability
from pytest_unicomp.compare.stats.paired import Paired, paired_difference
from pytest_unicomp.compare.stats.pooling import Bounded, holm, mover_mean
from pytest_unicomp.compare.stats.power import implied_stderr, items_to_decide, minimum_detectable_effect
from pytest_unicomp.compare.stats.proportions import (
    extreme_rate_stderr,
    tango_interval,
    tango_statistic,
    wilson_interval,
)
from pytest_unicomp.compare.stats.quantiles import quantile_interval, rounds_for
from pytest_unicomp.compare.stats.ratios import ratio_interval
from pytest_unicomp.compare.stats.rules import equivalence, non_inferiority
from pytest_unicomp.compare.stats.sequential import EARLY_SHARE, Sequential, capital_paths, crossing, sequential_difference
from pytest_unicomp.compare.stats.unbounded_decisions import Spread, decide_spread, decide_unbounded

__all__ = [
    "EARLY_SHARE",
    "Bounded",
    "Decisions",
    "Mean",
    "Paired",
    "Sequential",
    "Spread",
    "Sums",
    "bootstrap_difference",
    "brier",
    "capital_paths",
    "cluster_sums",
    "clustered_mean",
    "crossing",
    "decide_clustered",
    "decide_counts",
    "decide_spread",
    "decide_sums",
    "decide_unbounded",
    "design_effect",
    "design_effects",
    "equivalence",
    "exact_interval",
    "exact_tail",
    "extreme_rate_stderr",
    "f1",
    "holm",
    "implied_stderr",
    "independent_pairs",
    "items_to_decide",
    "kelly",
    "log_capital",
    "log_perplexity",
    "mean",
    "mean_and_error",
    "minimum_detectable_effect",
    "mover_mean",
    "non_inferiority",
    "normal_bounds",
    "normal_statistic",
    "paired_difference",
    "pearson",
    "quantile_interval",
    "ratio_interval",
    "rounds_for",
    "sequential_difference",
    "set_sizes",
    "squared_kernel_calibration_error",
    "t_interval",
    "t_probability",
    "tango_interval",
    "tango_statistic",
    "wilson_interval",
]
