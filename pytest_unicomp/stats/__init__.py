"""Statistics of paired evaluations: plain numbers in, plain numbers out; import from here, read the module that a name comes from."""

from pytest_unicomp.stats.exact import exact_interval, exact_tail
from pytest_unicomp.stats.means import Mean, clustered_mean, mean, t_interval
from pytest_unicomp.stats.paired import Paired, paired_difference
from pytest_unicomp.stats.pooling import Bounded, holm, mover_mean
from pytest_unicomp.stats.power import implied_stderr, minimum_detectable_effect, required_items
from pytest_unicomp.stats.proportions import newcombe_interval, tango_interval, tango_statistic, wilson_interval
from pytest_unicomp.stats.ratios import ratio_interval

__all__ = [
    "Bounded",
    "Mean",
    "Paired",
    "clustered_mean",
    "exact_interval",
    "exact_tail",
    "holm",
    "implied_stderr",
    "mean",
    "minimum_detectable_effect",
    "mover_mean",
    "newcombe_interval",
    "paired_difference",
    "ratio_interval",
    "required_items",
    "t_interval",
    "tango_interval",
    "tango_statistic",
    "wilson_interval",
]
