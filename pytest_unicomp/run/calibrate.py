"""The calibration set of one run: texts without the run's evaluation questions, and the cache key of everything that shapes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_unicomp.api.protocols import Benchmark, Calibration, Evaluation, ItemText
from pytest_unicomp.api.records import Model
from pytest_unicomp.api.source_digest import source_digest
from pytest_unicomp.benchmarks import items
from pytest_unicomp.calibration import mixture
from pytest_unicomp.calibration.amount import Amount, resolve
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.engine.host.host import device_type
from pytest_unicomp.methods.tokens import context_length
from pytest_unicomp.store.local import Store, digest


class CalibrationSet:
    """One mixture for one model and one run. The texts depend on the run's benchmarks only if a text had to be left out."""

    def __init__(
        self,
        specification: str,
        settings: Settings,
        model: Model,
        asked: Mapping[str, Benchmark],
        evaluation: Evaluation,
        store: Store,
        device: str = "cpu",
    ) -> None:
        """Keep the arguments; nothing is read yet. `asked` are the benchmarks of the run by name. The default amount of text depends on the `device` that compresses."""
        self._specification, self._settings, self._model = specification, settings, model
        self._asked = {name: entry for name, entry in asked.items() if entry.kind == "items"}
        self._evaluation, self._store, self._device = evaluation, store, device

    def identity(self) -> dict[str, Any]:
        """Return the part of the cache key that identifies the texts beside model and seed; the result of the leakage search is kept in the store.

        Raises UsageProblem if the user's own file contains test questions.
        """
        known = self.known_identity()
        if known is not None:
            return known
        record = self.draw().record
        self._store.write("calibration", self._key(), {"left_out": record.left_out, "digest": record.digest})
        return self._with_search({"left_out": record.left_out, "digest": record.digest})

    def known_identity(self) -> dict[str, Any] | None:
        """Return the identity if the store holds the result of the search for leaks, else None; no text is read."""
        kept = self._store.read("calibration", self._key())
        return None if kept is None else self._with_search(kept)

    def _with_search(self, kept: Mapping[str, Any]) -> dict[str, Any]:
        parts = self._parts()
        return {**parts, "without": kept["digest"]} if kept["left_out"] else parts

    def _key(self) -> str:
        asked = {name: entry.identity(self._evaluation) for name, entry in self._asked.items()}
        return digest({**self._parts(), "model": self._model.fingerprint, "seed": self._settings.seed, "asked": asked})

    def draw(self, samples: int | None = None) -> Calibration:
        """Return the texts: `samples` of them if a method needs another number than the run's."""
        settings, amount = self._settings, self._amount
        drawn = mixture.build(
            self._specification,
            model=self._model,
            seed=settings.seed,
            bundle=settings.bundle,
            samples=samples or amount.samples,
            tokens=amount.tokens,
            form=amount.form,
            asked=self._questions,
            # A method that asks for another number of texts has its own reason.
            remark=amount.reason if samples is None else "",
        )
        return replace(drawn, more=self.draw)

    @cached_property
    def _amount(self) -> Amount:
        model = self._model
        return amount_for(
            self._settings, model.name, parameters=model.parameters, context=context_length(Path(model.path)), device=self._device
        )

    @cached_property
    def _questions(self) -> list[tuple[str, list[ItemText]]]:
        return list(items.questions(self._asked, self._evaluation))

    def _parts(self) -> dict[str, Any]:
        amount = self._amount
        return {
            **mixture.identity(self._specification, self._settings.bundle),
            "samples": amount.samples,
            "tokens": amount.tokens,
            "form": amount.form,
            "source": source_digest(Amount),
        }


def amount_for(settings: Settings, name: str, *, parameters: int, context: int | None, device: str) -> Amount:
    """Return the amount of calibration text that the settings give for a model with `parameters` parameters; raises UsageProblem as `amount.resolve` does."""
    return resolve(
        settings.calibration_samples,
        settings.calibration_tokens,
        "own" if settings.calibration_form == "own" else "equal",
        model_name=name,
        context=context,
        parameters=parameters,
        device=device_type(device),
    )
