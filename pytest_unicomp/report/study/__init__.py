"""Several models' reports side by side: recipes by models, with what is not comparable named; as HTML, Markdown, LaTeX and JSON."""

from pytest_unicomp.report.study.build import study as study
from pytest_unicomp.report.study.findings import Finding as Finding
from pytest_unicomp.report.study.findings import findings as findings
from pytest_unicomp.report.study.records import Study as Study
from pytest_unicomp.report.study.sources import sources as sources

__all__ = ["Finding", "Study", "findings", "sources", "study"]
