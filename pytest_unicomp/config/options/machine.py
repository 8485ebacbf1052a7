"""Options for the machine: device, folders, dtypes, and the executor that distributes the work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pytest_unicomp.config import parsers
from pytest_unicomp.config.option import option


@dataclass(frozen=True)
class Machine:
    """Options for the machine: device, folders, dtypes, and the executor that distributes the work."""

    bundle: Path | None = option(
        None,
        parsers.path,
        "offline folder in hub layout; with it, nothing is downloaded",
        shapes="measurement",
        keyed=False,
        recorded=False,
    )
    cache: Path | str | None = option(
        None,
        parsers.folder_or_address,
        "store of artifacts and measurements: folder, or fsspec address (`s3://bucket/store`) shared by machines; if not given, the user's cache folder",
    )
    device: str = option(
        "auto",
        parsers.device,
        "auto, cpu, cuda, cuda:N, or sharded (spread over all GPUs and host memory)",
        shapes="measurement",
        keyed=False,
        recorded=False,
    )
    dtype: str = option(
        "auto",
        parsers.choice("auto", "float32", "bfloat16", "float16"),
        "data type of evaluation: auto, float32, bfloat16, float16",
        shapes="measurement",
        recorded=False,
    )
    executor: str = option(
        "local",
        parsers.choice("local", "process", "ray"),
        "where work runs: local, process (a fresh interpreter per job, one per device) or ray",
    )
    address: str | None = option(None, parsers.text, "address of the Ray cluster; if not given, one is started on this machine")
