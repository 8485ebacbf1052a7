"""The paper's claims over one or several models (arXiv 2602.09130, section 5 and conclusion), one file each."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_unicomp.report.study.findings.calibration_target import calibration_target
from pytest_unicomp.report.study.findings.decoupling import decoupling
from pytest_unicomp.report.study.findings.distillation import distillation
from pytest_unicomp.report.study.findings.finding import Finding as Finding
from pytest_unicomp.report.study.findings.knowledge_bias import knowledge_bias
from pytest_unicomp.report.study.findings.model_size import model_size
from pytest_unicomp.report.study.findings.pruning_speed import pruning_speed
from pytest_unicomp.report.study.findings.trade_off import trade_off
from pytest_unicomp.report.study.records import Study
from pytest_unicomp.report.study.sources import Source

__all__ = ["Finding", "findings", "leading"]


def findings(study: Study, sources: Sequence[Source]) -> list[Finding]:
    """Return the answer to each claim, for all models together where there are several, then for each model."""
    return [
        *knowledge_bias(study),
        *decoupling(study),
        *trade_off(study, sources),
        *distillation(study, sources),
        *pruning_speed(study, sources),
        *calibration_target(study, sources),
        *model_size(study),
    ]


def leading(found: Sequence[Finding]) -> list[Finding]:
    """Return the first answer to each claim and statistic: that of all models together, or of the only model."""
    first: dict[tuple[str, str], Finding] = {}
    for one in found:
        first.setdefault((one.claim, one.statistic), one)
    return list(first.values())
