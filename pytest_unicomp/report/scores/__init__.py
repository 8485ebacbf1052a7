"""The thirteen scores of UniComp (arXiv 2602.09130), of its published tables and of a run, and the paper's findings about either."""

from pytest_unicomp.report.scores.beside import beside as beside
from pytest_unicomp.report.scores.efficiency import efficiency_scores as efficiency_scores
from pytest_unicomp.report.scores.findings import findings as findings
from pytest_unicomp.report.scores.formulas import SCORES as SCORES
from pytest_unicomp.report.scores.pareto import cheapest as cheapest
from pytest_unicomp.report.scores.pareto import points as points
from pytest_unicomp.report.scores.published import published as published
from pytest_unicomp.report.scores.run import Score as Score
from pytest_unicomp.report.scores.run import scores as scores

__all__ = ["SCORES", "Score", "beside", "cheapest", "efficiency_scores", "findings", "points", "published", "scores"]
