"""Records of timing: seconds, the host's health during the rounds, and the table of a format's kernel."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pytest_unicomp.api.records.record import Record


class HostHealth(Record):
    """The host while rounds were timed: cores, how many of them all processes and those of others kept busy, load average over a minute, clock in
    MHz. Of a GPU: processes of others on it, clock now and highest in MHz, what holds the clock down, joules used meanwhile, and the share of a
    forward pass that the host spends launching its kernels (reference, candidate). None: not known."""

    cores: int
    busy_cores: float | None
    others_busy_cores: float | None
    load: float | None
    megahertz: float | None
    gpu_others: int | None = None
    gpu_megahertz: tuple[int, int] | None = None
    gpu_throttled: str | None = None
    joules: float | None = None
    launching: tuple[float, float] | None = None


class Spread(Record):
    """Median and quartiles of repeated timings, in seconds."""

    median: float
    low: float
    high: float


class Ceilings(Record):
    """The best that the device did in the same run: `bandwidth` of a large copy in bytes per second (read and written), `rate` of a large dense
    product in operations per second (two per multiply-add); how much was copied, and what was multiplied."""

    bandwidth: float = Field(gt=0)
    rate: float = Field(gt=0)
    copied_bytes: int
    product: str

    def share(self, bytes: int, operations: int, seconds: float) -> float:
        """Return the least time that the ceilings allow, over the time taken: 1 is as fast as the device; above 1 the bytes came from a cache."""
        return max(bytes / self.bandwidth, operations / self.rate) / seconds

    def bound(self, bytes: int, operations: int) -> Literal["memory", "arithmetic"]:
        """Return the ceiling that is nearer."""
        return "memory" if bytes / self.bandwidth >= operations / self.rate else "arithmetic"


class LayerTiming(Record):
    """One shape of linear layer, which `layers` layers have, times `rows` tokens: dense bfloat16 against a kernel, in paired rounds.

    Bytes are those of weights, scales, inputs and outputs that one product must move; `bandwidth` and `rate` are bytes and operations per second
    of the kernel; `ratio` is kernel / dense with its interval, `share` how near the ceiling that binds (`bound`) the median comes; `difference`
    is that of the products, relative to their size. `launched` is why both sides were timed with the launches of their kernels on a GPU; None if
    their work was captured in graphs, or on a CPU.
    """

    outputs: int
    inputs: int
    layers: int
    names: list[str]
    rows: int
    phase: Literal["decode", "prefill"]
    kernel: str
    dense_seconds: Spread
    seconds: Spread
    ratio: float
    interval: tuple[float, float]
    dense_bytes: int
    bytes: int
    operations: int
    bandwidth: float
    rate: float
    dense_share: float
    share: float
    bound: Literal["memory", "arithmetic"]
    difference: float
    launched: str | None = None


class KernelReport(Record):
    """A format's kernel on the layers of the reference model, on this device: the table of `kernel-<format>`.

    `left_out` names shapes that the kernel does not take, with why; `unhealthy` is the reason why the timings are unreliable, None if there is none.
    """

    format: str
    kernel: str
    device: str
    ceilings: Ceilings
    layers: list[LayerTiming]
    left_out: list[str] = []
    rounds: int
    confidence: float
    unhealthy: str | None = None
