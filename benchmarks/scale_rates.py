"""Error rates by whole calls of the package, one per evaluation: scores on any scale, long tails, and early stopping in clusters.

`python benchmarks/scale_rates.py 1000`; `--quick` takes a tenth. A PASS and a FAIL are both wrong: the true drop equals the margin.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import numpy as np

from pytest_unicomp.compare import stats

ALPHA, MARGIN = 0.05, 0.03
Draw = Callable[[np.random.Generator, int], np.ndarray]


def flips(discordance: float) -> Draw:
    """Return evaluations of right-or-wrong items that lose the margin."""
    lost = (discordance + MARGIN) / 2

    def draw(random: np.random.Generator, n: int) -> np.ndarray:
        uniform = random.random(n)
        found: np.ndarray = np.where(uniform < lost, -1.0, np.where(uniform < discordance, 1.0, 0.0))
        return found

    return draw


def lognormal(sigma: float) -> Draw:
    """Return losses with a long tail (nats per document), with the margin as their mean."""
    return lambda random, n: -MARGIN * np.exp(sigma * random.normal(size=n) - sigma**2 / 2)


def normal(sigma: float) -> Draw:
    """Return losses and gains without a long tail."""
    return lambda random, n: random.normal(-MARGIN, sigma, size=n)


SCALES: tuple[tuple[str, Draw, float], ...] = (
    ("0 or 100, discordance 0.03", flips(0.03), 100.0),
    ("0 or 100, discordance 0.2", flips(0.2), 100.0),
    ("nats, normal", normal(0.1), 1.0),
    ("nats, log-normal losses, sigma 1", lognormal(1.0), 1.0),
    ("nats, log-normal losses, sigma 1.5", lognormal(1.5), 1.0),
)
SIZES = (10, 30, 60, 150, 400, 1300)


def scaled(draw: Draw, factor: float, n: int, clusters: int | None, replicates: int) -> tuple[float, float]:
    """Return the rates of PASS and FAIL on unbounded scores; with clusters every item of a cluster is multiplied by a draw of its own."""
    random = np.random.default_rng([n, clusters or 0, round(factor)])
    names = None if clusters is None else [place % clusters for place in range(n)]
    passes = fails = 0
    for _ in range(replicates):
        difference = factor * draw(random, n)
        if names is not None and clusters is not None:
            difference = difference * random.gamma(2.0, 0.5, size=clusters)[np.array(names)]
        before = factor * (difference <= 0) if factor > 1 else np.full(n, -2.5)
        found = stats.paired_difference(
            before.tolist(), (before + difference).tolist(), names, alpha=ALPHA, margin=factor * MARGIN, bounded=False
        )
        passes += found.lower > -found.margin
        fails += found.upper < -found.margin
    return passes / replicates, fails / replicates


STOPPING = (
    (200, None, 0.0, True),
    (400, 40, 0.1, False),
    (400, 40, 0.3, False),
    (400, 40, 0.3, True),
    (400, 200, 0.3, True),
    (1300, 130, 0.3, False),
)


def stopped(n: int, clusters: int | None, correlation: float, partial: bool, replicates: int) -> tuple[float, float]:
    """Return the rates of PASS and FAIL of the sequential mode, looked at after every cluster; `partial` credit: a flip is worth 0.4 to 1."""
    random = np.random.default_rng([n, clusters or 0, round(10 * correlation), partial])
    mean = 0.7 if partial else 1.0
    lost, gained = (0.1 + MARGIN / mean) / 2, (0.1 - MARGIN / mean) / 2
    size = 1 if clusters is None else n // clusters
    passes = fails = 0
    for _ in range(replicates):
        rates = np.tile([lost, gained, 1 - lost - gained], (n // size, 1))
        if clusters is not None:
            rates = random.dirichlet(rates[0] * (1 - correlation) / correlation, size=clusters)
        own = np.repeat(rates, size, axis=0)
        uniform = random.random(n)
        change = np.where(uniform < own[:, 0], -1.0, np.where(uniform < own[:, 0] + own[:, 1], 1.0, 0.0))
        change = change * (random.uniform(0.4, 1.0, size=n) if partial else 1.0)
        before = np.maximum(-change, 0.0)
        names = None if clusters is None else np.repeat(np.arange(clusters), size).tolist()
        found = stats.sequential_difference(
            before.tolist(),
            np.clip(before + change, 0, 1).tolist(),
            names,
            alpha=ALPHA,
            total=n,
            allowances=[MARGIN] * n,
            allowed=(MARGIN, MARGIN),
        )
        passes += found.verdict == "pass"
        fails += found.verdict == "fail"
    return passes / replicates, fails / replicates


def tables(replicates: int) -> Iterator[str]:
    """Return both tables as Markdown, line by line."""
    yield f"{replicates:,} replicates a row (standard error of a rate of {ALPHA}: {(ALPHA * (1 - ALPHA) / replicates) ** 0.5:.4f})."
    yield ""
    yield "| scores | clusters | " + " | ".join(f"n {n}" for n in SIZES) + " |"
    yield "| --- " * (2 + len(SIZES)) + "|"
    for name, draw, factor in SCALES:
        for clusters in (None, 12):
            cells = [
                "/".join(f"{rate:.3f}" for rate in scaled(draw, factor, n, clusters, replicates))
                if clusters is None or n >= 2 * clusters
                else ""
                for n in SIZES
            ]
            yield f"| {name} | {clusters or 'none'} | {' | '.join(cells)} |"
    yield ""
    yield "| items | clusters | correlation | scores | false PASS | false FAIL |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for n, groups, correlation, partial in STOPPING:
        passes, fails = stopped(n, groups, correlation, partial, replicates)
        kind = "partial credit" if partial else "0/1"
        yield f"| {n} | {groups or 'none'} | {correlation or ''} | {kind} | {passes:.3f} | {fails:.3f} |"


def main() -> None:
    """Print the tables; the argument is the number of replicates."""
    given = [word for word in sys.argv[1:] if word != "--quick"]
    replicates = int(given[0]) if given else 1000
    for line in tables(replicates // 10 if "--quick" in sys.argv else replicates):
        print(line, flush=True)


if __name__ == "__main__":
    main()
