"""The thirteen scores of UniComp (arXiv 2602.09130): as published and of a run, with the paper's findings and the Pareto front."""

from pytest_unicomp.report.scores.efficiency import efficiency_scores as efficiency_scores
from pytest_unicomp.report.scores.findings import findings as findings
from pytest_unicomp.report.scores.formulas import SCORES as SCORES
from pytest_unicomp.report.scores.pareto import cheapest as cheapest
from pytest_unicomp.report.scores.pareto import points as points
from pytest_unicomp.report.scores.published import published as published
from pytest_unicomp.report.scores.published import published_rows as published_rows
from pytest_unicomp.report.scores.quality import Score as Score
from pytest_unicomp.report.scores.quality import scores as scores

__all__ = ["SCORES", "Score", "cheapest", "efficiency_scores", "findings", "points", "published", "published_rows", "scores"]
