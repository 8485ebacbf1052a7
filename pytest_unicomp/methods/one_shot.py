"""The base class of the methods that are llm-compressor modifiers: load, run them over the calibration documents, save."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_unicomp.api.protocols import CompressionJob
from pytest_unicomp.engine.quiet_libraries import quiet_with_captured_output
from pytest_unicomp.methods.block_progress import blocks_reported
from pytest_unicomp.methods.compressor import apply, save
from pytest_unicomp.methods.decoder import require_divisible
from pytest_unicomp.methods.experts import split_experts
from pytest_unicomp.methods.layer_inputs import not_divided
from pytest_unicomp.methods.method import CompressionMethod
from pytest_unicomp.methods.source import load_model
from pytest_unicomp.methods.tokens import encode
from pytest_unicomp.methods.zeros import zeros_kept

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class OneShotRun:
    """One call of llm-compressor's `oneshot`: its modifiers, a few words for the progress line, and True if it reads calibration documents."""

    modifiers: Sequence[Any]
    what: str
    calibrated: bool


@dataclass(frozen=True)
class OneShotMethod(CompressionMethod):
    """A subclass writes `modifiers`, or `runs` if it needs more than one call of `oneshot`."""

    requires: ClassVar[tuple[str, ...]] = ("llmcompressor", "compressed_tensors", "transformers")

    @property
    def multiple(self) -> int:
        """Every Linear layer must have a multiple of this many inputs: the group size, or the M of a pattern N:M; 1 if any number will do."""
        return 1

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Refuse what every method refuses, and widths that are no multiple of what stays `multiple` on this model."""
        multiple = self.for_model(config).multiple
        if reason := super().refusal(config):
            return reason
        indivisible = not_divided(config, multiple)
        return None if indivisible is None else f"it works on groups of {multiple} inputs, which do not divide {indivisible}"

    def modifiers(self, model: PreTrainedModel) -> Sequence[Any]:
        """Return the modifiers for the Linear layers in the blocks of `model`, which share one pass over the calibration documents."""
        raise NotImplementedError

    def runs(self, model: PreTrainedModel) -> Sequence[OneShotRun]:
        """Return the calls of `oneshot` in their order: by default one."""
        return [OneShotRun(self.modifiers(model), "", self.calibrated)]

    def compress(self, job: CompressionJob) -> None:
        """Write the checkpoint that llm-compressor makes: packed if it is quantized, dense on disk in the reference's dtype if it is pruned.

        Quantization keeps the zeros of a pruned model. Raises UnicompError if the reference is quantized already, if `multiple` does not
        divide the inputs of a layer, and if calibration text is missing or too short.
        """
        documents = encode(job.source, job.calibration, recipe=self.method) if self.calibrated else None
        model = split_experts(load_model(job.source))
        require_divisible(model, self.multiple, recipe=self.method)
        with quiet_with_captured_output():
            runs = self.runs(model)
        for run in runs:
            text = documents if run.calibrated else None
            words = (self.method, run.what, f"{len(text)} calibration documents" if text is not None else "")
            job.progress(": ".join(filter(None, words)))
            with zeros_kept(model) if self.family == "quantization" else nullcontext(), blocks_reported(model, self.method, job.progress):
                apply(list(run.modifiers), model, job.source, documents=text, seed=job.seed)
        save(model, job.source, job.destination)
