"""`unicomp methods` and `unicomp benchmarks`: the recipes and benchmarks that exist."""

from __future__ import annotations

from pytest_unicomp.cli.output import Json, say, show


def methods(as_json: Json = False) -> None:
    """List the recipes and the architectures they support.

    Includes the recipes that the configuration file in this folder defines. With --json, each unsupported architecture has its reason.

    Example: unicomp methods --json
    """
    from pytest_unicomp.api.registry import missing_libraries
    from pytest_unicomp.methods.architectures import ARCHITECTURES, support
    from pytest_unicomp.methods.configured import here

    rows = []
    for name, entry in here().items():
        missing = missing_libraries(entry.requires)
        taken = support(entry)
        refused = [architecture for architecture, reason in taken.items() if reason]
        rows.append(
            {
                "recipe": name,
                "family": entry.family,
                "method": entry.method,
                "settings": entry.settings(),
                "calibrated": entry.calibrated,
                "requires": list(entry.requires),
                "available": not missing,
                "reason": f"not installed: {', '.join(missing)}" if missing else None,
                "architectures": taken,
                "takes": f"all but {', '.join(refused)}" if refused else "all",
            }
        )
    show(rows, as_json, ("recipe", "family", "method", "available", "takes"))
    if not as_json:
        say(f"Architectures: {', '.join(ARCHITECTURES)}. The reason for each exception: `unicomp methods --json`.")


def benchmarks(as_json: Json = False) -> None:
    """List the benchmarks, with those that the configuration file in this folder defines. Example: unicomp benchmarks"""
    from pytest_unicomp.api.protocols import ItemBenchmark
    from pytest_unicomp.benchmarks.configured import here

    rows = []
    for name, entry in here().items():
        scored = entry if isinstance(entry, ItemBenchmark) else None
        rows.append(
            {
                "benchmark": name,
                "dimension": entry.dimension,
                "capability": entry.capability,
                "dataset": entry.dataset,
                "shots": entry.shots,
                "metric": entry.metric,
                "higher_is_better": entry.higher_is_better,
                "source": entry.source,
                # Null if it has none, or if it is known after the run.
                "items": scored.items if scored else None,
                "scorer": entry.scorer or None,
                "judge": scored.judge if scored else None,
                "chance": scored.chance if scored else None,
                "sets": list(entry.sets),
            }
        )
    show(rows, as_json, ("benchmark", "dimension", "capability", "metric", "dataset"))
