"""The base class of every record: immutable, validated, and the format of the files that the project writes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Immutable, no unknown fields, no NaN: what cannot be known is None."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
