"""Records of where in a model a loss lies: how much of it comes back if the reference's weights are put back, part by part."""

from __future__ import annotations

from typing import Literal

from pytest_unicomp.api.records.record import Record


class LossPart(Record):
    """A part of a model: a decoder block, several adjacent ones, or all weights outside them.

    `recovered` is the mean over the items of what the part brings back, in the unit of the loss; negative if it makes things worse. `interval` is
    two-sided at the record's confidence, for this part alone. `share` is `recovered` as a share of the whole loss.
    """

    name: str
    recovered: float
    interval: tuple[float, float]
    share: float


class LocatedLoss(Record):
    """The loss of one recipe on `n` items of one benchmark that the reference answers better, and the parts that carry it.

    `unit` says what is lost per item, in nats: the `lead` of the option that the reference chooses over the best other one, the log-likelihood per
    token of the reference's own reply (`reply`), or of the text (`text`). `lost` is its mean, reference - candidate. `carried_by` names the part
    that brings back most, and those that cannot be told apart from it once all parts are corrected for (Holm, one-sided).
    """

    recipe: str
    capability: str
    benchmark: str
    n: int
    unit: Literal["lead", "reply", "text"]
    confidence: float
    lost: float
    lost_interval: tuple[float, float]
    parts: list[LossPart]
    carried_by: list[str]
