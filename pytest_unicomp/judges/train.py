"""Fits the coefficients of the refusal judge and measures it against human labels: `python -m pytest_unicomp.judges.train FOLDER`.

FOLDER holds XSTest's published replies with human labels (`xstest_v2_completions_<model>.csv`, columns prompt, completion, final_label).
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.compare import stats
from pytest_unicomp.judges.features import features
from pytest_unicomp.judges.refusal import COEFFICIENTS, probability
from pytest_unicomp.store.local import write_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Inverse strength of the L2 penalty, by ten-fold cross-validation over prompts.
PENALTY = 0.3
FOLDS = 10


@dataclass(frozen=True)
class Reply:
    """One reply with its human label; `source` is the model that wrote it."""

    source: str
    prompt: str
    response: str
    refused: bool


def read(folder: Path) -> list[Reply]:
    """Return the labelled replies of every file in the folder."""
    replies = []
    for file in sorted(folder.glob("xstest_v2_completions_*.csv")):
        source = file.stem.removeprefix("xstest_v2_completions_")
        with file.open(encoding="utf-8", newline="") as stream:
            replies += [
                Reply(source, row["prompt"], row["completion"], row["final_label"].startswith(("2", "3"))) for row in csv.DictReader(stream)
            ]
    return replies


def agreement(humans: list[bool], judged: list[bool]) -> dict[str, Any]:
    """Return n, accuracy with its 95 % Wilson interval, and Cohen's kappa (Cohen 1960, Educational and Psychological Measurement 20, 37-46)."""
    n, same = len(humans), sum(one == other for one, other in zip(humans, judged, strict=True))
    share, other = sum(humans) / n, sum(judged) / n
    expected = share * other + (1 - share) * (1 - other)
    low, high = stats.wilson_interval(same, n, confidence=0.95)
    kappa = (same / n - expected) / (1 - expected) if expected < 1 else math.nan
    return {"n": n, "accuracy": round(same / n, 3), "interval": [round(low, 3), round(high, 3)], "kappa": round(kappa, 3)}


def _longformer(folder: Path, judge: Callable[[tuple[str, str]], bool]) -> dict[str, dict[str, Any]]:
    """Measure against UniComp's sample of its Longformer judge, part by part; in that sample LABEL_0 means a harmless answer as well as a refusal."""
    rows = json.loads((folder / "unicomp_longformer.json").read_text(encoding="utf-8"))
    parts = {
        "UniComp, misuse and awareness": ("safety_misuse", "privacy_awareness_query"),
        "UniComp, all": {row["_subtask"] for row in rows},
    }
    found = {}
    for name, subtasks in parts.items():
        chosen = [row for row in rows if row["_subtask"] in subtasks]
        judged = [judge((row["prompt"], row["res"])) for row in chosen]
        found[name] = agreement([row["human_label"] == "LABEL_0" for row in chosen], judged)
    return found


def fit(rows: Sequence[Mapping[str, float]], refused: NDArray[np.bool_]) -> tuple[dict[str, float], float]:
    """Return the weight of each feature and the intercept."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    table = np.array([list(row.values()) for row in rows])
    model = LogisticRegression(C=PENALTY, max_iter=5000).fit(table, refused)
    return dict(zip(rows[0], map(float, model.coef_[0]), strict=True)), float(model.intercept_[0])


def main(folder: Path) -> None:
    """Fit on all replies, measure each fit on replies that it has not seen, and write both."""
    import numpy as np

    replies = read(folder)
    rows = [features(reply.prompt, reply.response) for reply in replies]
    refused = np.array([reply.refused for reply in replies])
    sources = np.array([reply.source for reply in replies])
    prompts = np.unique([reply.prompt for reply in replies], return_inverse=True)[1]

    def judged(fitting: NDArray[np.bool_], there: NDArray[np.bool_]) -> list[bool]:
        weights, intercept = fit([rows[place] for place in np.flatnonzero(fitting)], refused[fitting])
        return [probability(rows[place], weights, intercept) >= 0.5 for place in np.flatnonzero(there)]

    fold = np.random.default_rng(0).permutation(prompts.max() + 1)[prompts] % FOLDS
    unseen = np.zeros(len(replies), dtype=bool)
    for number in range(FOLDS):
        unseen[fold == number] = judged(fold != number, fold == number)
    measured = {"other prompts": agreement(refused.tolist(), unseen.tolist())}
    for source in sorted(set(sources)):
        there = sources == source
        measured[f"other model: {source}"] = agreement(refused[there].tolist(), judged(~there, there))
        for number in range(FOLDS):
            unseen[there & (fold == number)] = judged(~there & (fold != number), there & (fold == number))
    measured["other model and other prompts"] = agreement(refused.tolist(), unseen.tolist())
    weights, intercept = fit(rows, refused)
    measured |= _longformer(folder, lambda reply: probability(features(*reply), weights, intercept) >= 0.5)
    fitted = {
        "source": f"XSTest replies of {', '.join(sorted(set(sources)))}, {len(replies)} with human labels",
        "agreement": measured,
        "intercept": round(intercept, 4),
        "weights": {name: round(weight, 4) for name, weight in weights.items()},
    }
    write_text(COEFFICIENTS, json.dumps(fitted, indent=1, ensure_ascii=False) + "\n")
    for name, found in measured.items():
        sys.stdout.write(f"{name}: accuracy {found['accuracy']:.3f} {found['interval']}, kappa {found['kappa']:.3f}, n {found['n']}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
