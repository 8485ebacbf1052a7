"""The records that the stages hand to each other: frozen and validated, and the format of every file the project writes."""

from pytest_unicomp.api.records.artifact import Artifact, CalibrationText, Model
from pytest_unicomp.api.records.check import CalibrationGain, CapabilityVerdict, Check, Divergence, Estimate, Example, Flips, Slice, Source
from pytest_unicomp.api.records.distributions import Change, DivergenceTable, DivergentReplies, Uncertainty
from pytest_unicomp.api.records.located_loss import LocatedLoss, LossPart
from pytest_unicomp.api.records.measurement import Agreement, Conditions, Item, Measurement
from pytest_unicomp.api.records.ranking import Ranked, Ranking, RecipePair
from pytest_unicomp.api.records.record import Record
from pytest_unicomp.api.records.reply import Reply, ReplyChange, ShareChange
from pytest_unicomp.api.records.report import (
    Claim,
    LeftOut,
    Origin,
    Partial,
    Point,
    RecipeVerdict,
    ReferenceSummary,
    Report,
    Unchanged,
    WaiverState,
)
from pytest_unicomp.api.records.timing import Ceilings, HostHealth, KernelReport, LayerTiming, Spread
from pytest_unicomp.api.vocabulary import CAPABILITIES, Dimension, Family, Question, RunVerdict, Verdict

__all__ = [
    "CAPABILITIES",
    "Agreement",
    "Artifact",
    "CalibrationGain",
    "CalibrationText",
    "CapabilityVerdict",
    "Ceilings",
    "Change",
    "Check",
    "Claim",
    "Conditions",
    "Dimension",
    "Divergence",
    "DivergenceTable",
    "DivergentReplies",
    "Estimate",
    "Example",
    "Family",
    "Flips",
    "HostHealth",
    "Item",
    "KernelReport",
    "LayerTiming",
    "LeftOut",
    "LocatedLoss",
    "LossPart",
    "Measurement",
    "Model",
    "Origin",
    "Partial",
    "Point",
    "Question",
    "Ranked",
    "Ranking",
    "RecipePair",
    "RecipeVerdict",
    "Record",
    "ReferenceSummary",
    "Reply",
    "ReplyChange",
    "Report",
    "RunVerdict",
    "ShareChange",
    "Slice",
    "Source",
    "Spread",
    "Uncertainty",
    "Unchanged",
    "Verdict",
    "WaiverState",
]
