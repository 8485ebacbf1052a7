"""Keep the hidden and feed-forward channels that matter most and distil the rest from the original (Minitron-Width, arXiv 2407.14679)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_unicomp.methods.distillation_architectures import not_narrowed, rounded
from pytest_unicomp.methods.distillation_text import Text
from pytest_unicomp.methods.minitron import Minitron
from pytest_unicomp.methods.width import importance, most_important, narrowed, summary

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class MinitronWidth(Minitron):
    """Keep shares of the hidden and feed-forward channels: of Llama-3.1-8B 3072 of 4096 and 9216 of 14336 (arXiv 2408.11796).

    Sizes are the nearest multiples of `multiple`, so that kernels and groups of 128 fit. `judged` rows measure the importance (1024 samples
    in the paper).
    """

    judged: int = 256
    hidden: float = 0.75
    feed_forward: float = 9216 / 14336
    multiple: int = 128
    method: ClassVar[str] = "minitron-width"

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Refuse architectures whose parts are not those of Llama."""
        return not_narrowed(config)

    def choose(self, teacher: PreTrainedModel, text: Text) -> dict[str, Any]:
        """Return the hidden and feed-forward channels to keep, by index."""
        hidden, feed_forward = importance(teacher, text.rows[: self.judged])
        before = {"hidden": len(hidden), "feed-forward": len(feed_forward[0])}
        after = {
            "hidden": rounded(before["hidden"], self.hidden, self.multiple),
            "feed-forward": rounded(before["feed-forward"], self.feed_forward, self.multiple),
        }
        return {
            "summary": summary(before, after),
            "hidden": most_important(hidden, after["hidden"]),
            "feed_forward": [most_important(scores, after["feed-forward"]) for scores in feed_forward],
        }

    def cut(self, teacher: PreTrainedModel, choice: Mapping[str, Any], scratch: Path) -> PreTrainedModel:
        """Return a copy of the teacher with the chosen channels alone."""
        return narrowed(teacher, choice["hidden"], choice["feed_forward"])


RECIPES = {"minitron-width": MinitronWidth()}
