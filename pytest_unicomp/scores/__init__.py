"""The thirteen scores of UniComp (arXiv 2602.09130), of its published tables and of a run: `published(model, scoring)`, `of_report(report)`."""

from pytest_unicomp.scores.formulas import SCORES as SCORES
from pytest_unicomp.scores.published import published as published

__all__ = ["SCORES", "published"]
