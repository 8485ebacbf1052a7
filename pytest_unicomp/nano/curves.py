"""Plots loss and accuracy over a training, from its `training.json`."""

from __future__ import annotations

import json
from pathlib import Path


def plot(record: Path, destination: Path) -> bool:
    """Write the curves to `destination` (.svg or .png); return False and write nothing if matplotlib is not installed."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "nano"
    from matplotlib import pyplot

    found = json.loads(record.read_text())
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4), layout="constrained")
    left.plot([point["step"] for point in found["loss"]], [point["loss"] for point in found["loss"]])
    left.set(xlabel="step", ylabel="loss on answers, nats per token", title="Training loss")
    steps = [point["step"] for point in found["accuracy"]]
    for name in found["accuracy"][0]:
        if name not in ("step", "perplexity"):
            right.plot(steps, [point[name] for point in found["accuracy"]], label=name, marker=".")
    right.set(xlabel="step", ylabel="share of items right", title=f"{found['settings']['probe_items']} items of each set", ylim=(0, 1.02))
    right.legend(fontsize=7, loc="lower right")
    figure.savefig(destination, metadata={"Date": None} if destination.suffix == ".svg" else None)
    pyplot.close(figure)
    return True
