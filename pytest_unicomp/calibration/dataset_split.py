"""A split of a dataset: its rows from the offline bundle, or from the hub if no bundle is given."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem, one_line
from pytest_unicomp.checkpoints.hub_errors import explained


@dataclass(frozen=True)
class DatasetSplit:
    """A split of a dataset on the hub: repository, configuration, split, and optionally the only file of it to read."""

    repository: str
    configuration: str | None = None
    split: str = "train"
    file: str | None = None

    def present(self, bundle: Path) -> bool:
        """Return True if the bundle holds this configuration."""
        folder = bundle / self.repository
        if self.file is not None:
            return (folder / self.file).is_file()
        return (folder / (self.configuration or "")).is_dir()

    def rows(self, bundle: Path | None) -> Iterator[dict[str, Any]]:
        """Stream the rows without copying them to a cache. Raises UnicompError if the dataset cannot be fetched or read."""
        from datasets import load_dataset

        place = self.repository if bundle is None else str(bundle / self.repository)
        settings: dict[str, Any] = {"data_files": {self.split: self.file}} if self.file else {"name": self.configuration}
        try:
            yield from load_dataset(place, split=self.split, streaming=True, **settings)
        except Exception as error:
            # `datasets`, its file readers and the hub's client raise errors of many kinds, also in the middle of a stream.
            if bundle is None:
                raise explained(f"calibration data {self}", error) from error
            raise InfrastructureError(
                f"unicomp: calibration data {self} of the bundle could not be read ({one_line(error, longest=160)}); fill the bundle again, or "
                "give --unicomp-calibration FILE.jsonl."
            ) from error

    def sample(self, count: int, *, seed: int, bundle: Path | None) -> list[dict[str, Any]]:
        """Return `count` rows drawn without replacement from all of them, or all of them in a drawn order if there are fewer."""
        rows = list(self.rows(bundle))
        return random.Random(seed).sample(rows, min(count, len(rows)))

    def __str__(self) -> str:
        """Return the name that the report shows."""
        return f"{self.repository}/{self.configuration}" if self.configuration else self.repository


def require_any(mixture: str, bundle: Path, splits: tuple[DatasetSplit, ...]) -> None:
    """Raise UsageProblem that names the missing folders if the bundle holds none of `splits`."""
    if any(split.present(bundle) for split in splits):
        return
    folders = ", ".join(dict.fromkeys(str(bundle / split.repository / (split.file or split.configuration or "")) for split in splits))
    raise UsageProblem(
        f"unicomp: calibration {mixture!r} needs {folders}, which the bundle lacks; add it, choose another mixture, give a FILE.jsonl, "
        "or leave out --unicomp-bundle to fetch it."
    )
