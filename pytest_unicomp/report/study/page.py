"""Renders the HTML page of a study: one self-contained file without scripts or requests, in the style of the gate's page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from pytest_unicomp.report import pareto_plot, template
from pytest_unicomp.report.study import perplexity
from pytest_unicomp.report.study.findings import Finding
from pytest_unicomp.report.study.radar_figures import radar_figures
from pytest_unicomp.report.study.records import Study
from pytest_unicomp.report.study.retention_figures import retention_figures
from pytest_unicomp.report.study.sources import Source

SECTIONS: Final = {
    "models": "Models",
    "differing": "What differs",
    "matrix": "Matrix",
    "scores": "Scores",
    "retention": "Retention by capability",
    "cost": "Quality against cost",
    "perplexity": "Perplexity",
    "findings": "Findings",
}


def render(study: Study, sources: Sequence[Source], findings: Sequence[Finding]) -> str:
    """Return the page as one HTML document; `sources` are the reports that `study` was made from, in the same order."""
    style = template.style()
    there = {"differing": bool(study.differing), "perplexity": bool(perplexity.benchmarks(study))}
    return (
        template.environment()
        .get_template("study.html.jinja")
        .render(
            study=study,
            style=Markup(style),
            policy_header=template.content_security_policy(style),
            sections={name: title for name, title in SECTIONS.items() if there.get(name, True)},
            confidence=f"{100 * study.confidence:.4g}%",
            capabilities=list(dict.fromkeys(kept.capability for cell in study.cells for kept in cell.kept)),
            scored={cell.recipe for cell in study.cells if cell.scores},
            kept={cell.recipe for cell in study.cells if cell.kept},
            radars=radar_figures(study),
            retentions=retention_figures(study),
            fronts=[
                (source, pareto_plot.pareto_plots(source.report, name=f"front-{place}")) for place, source in enumerate(sources, start=1)
            ],
            perplexity=perplexity,
            claims={one.claim: [other for other in findings if other.claim == one.claim] for one in findings},
        )
    )
