"""Times every linear layer shape of a model, dense against the kernel of one format: seconds, bytes, operations, and the device's own ceilings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any, Literal

from pytest_unicomp.api.benchmark import Evaluation, KernelBenchmark
from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.records import Ceilings, KernelReport, LayerTiming, Spread
from pytest_unicomp.compare import stats
from pytest_unicomp.engine.host import host, paired_timing
from pytest_unicomp.engine.host.captured import captured
from pytest_unicomp.engine.runtimes import kernels
from pytest_unicomp.engine.runtimes.kernels import Format
from pytest_unicomp.engine.runtimes.layer_shapes import LayerShape, layer_shapes

# Tokens that are multiplied at once: one and eight sequences that decode, and a prompt in prefill.
ROWS: Mapping[int, Literal["decode", "prefill"]] = {1: "decode", 8: "decode", 256: "prefill"}
# Allowed relative difference from the product with the unpacked weight: rounding to bfloat16, and of 8-bit float activations.
TOLERANCE = {"int8": 0.02, "int4": 0.02, "fp8": 0.06, "2of4": 0.02}
# A block of products lasts at least this long, so that the clock's own error is small.
BLOCK_SECONDS = 0.002
# Cycle through enough different layers to defeat the cache, but through no more than the model has.
CACHE_BYTES = {"cpu": 2**26, "cuda": 2**27}
COPIED_BYTES = {"cpu": 2**28, "cuda": 2**30}
PRODUCT_SIDE = {"cpu": 2048, "cuda": 8192}


@dataclass
class Arm:
    """One side of a pair: for each place (shape and rows) a block of products, and the seconds per product of every round so far."""

    device: str
    blocks: list[Callable[[], int]]
    weights: list[float]
    seconds: list[list[float]] = field(default_factory=list)

    def round(self) -> float:
        """Time every block once; return the seconds that the linear layers of one written token take together."""
        found = []
        for block in self.blocks:
            seconds, products = paired_timing.device_seconds(self.device, block)
            found.append(seconds / products)
        self.seconds.append(found)
        return math.fsum(weight * seconds for weight, seconds in zip(self.weights, found, strict=True))


@dataclass
class KernelRounds:
    """Paired rounds of the dense and the kernel arm, with the facts of each layer next to its seconds; `report` needs finished rounds."""

    pairs: paired_timing.PairedRounds
    arms: tuple[Arm, Arm]
    places: list[dict[str, Any]]
    known: dict[str, Any]

    def report(self, *, confidence: float) -> KernelReport:
        """Return the table: per place the seconds of both with their spread, the ratio with its interval, bytes, rates and shares."""
        ceilings: Ceilings = self.known["ceilings"]
        count = len(self.pairs.candidate_seconds)
        before, after = ([list(place) for place in zip(*arm.seconds[-count:], strict=True)] for arm in self.arms)
        layers = []
        for place, dense, fast in zip(self.places, before, after, strict=True):
            ratio = stats.ratio_interval(dense, fast, confidence=confidence)
            layers.append(
                LayerTiming(
                    **place,
                    dense_seconds=spread(dense),
                    seconds=spread(fast),
                    ratio=ratio.value,
                    interval=(ratio.lower, ratio.upper),
                    bandwidth=place["bytes"] / spread(fast).median,
                    rate=place["operations"] / spread(fast).median,
                    dense_share=ceilings.share(place["dense_bytes"], place["operations"], spread(dense).median),
                    share=ceilings.share(place["bytes"], place["operations"], spread(fast).median),
                    bound=ceilings.bound(place["bytes"], place["operations"]),
                )
            )
        return KernelReport(**self.known, layers=layers, rounds=count, confidence=confidence)


@dataclass(frozen=True, kw_only=True)
class Kernel(KernelBenchmark):
    """Dense against one format on the shapes of the reference model; it informs and never gates."""

    format: Format
    sets: tuple[str, ...] = ("nano", "efficiency")
    source: str = "timed here, layer by layer"

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return the format and the numbers of rows."""
        return {"format": self.format, "rows": list(ROWS)}

    def missing(self, device: str) -> str | None:
        """Return why the device ("cpu", "cuda:N") has no such kernel, or None."""
        return kernels.unavailable_reason(self.format, device)

    def prepare(self, folder: Path, device: str) -> KernelRounds:
        """Pack a layer of every shape, measure the ceilings and return the rounds, none of them timed yet.

        Raises InfrastructureError if the device lacks the kernel, or if its product differs from that with the unpacked weight.
        """
        reason = self.missing(device)
        if reason is not None:
            raise InfrastructureError(f"unicomp: {host.device_name(device)} has no {self.format} kernel: {reason}.")
        found = layer_shapes(folder)
        left_out = {
            shape: why
            for shape in found
            if (why := kernels.unsupported_shape(self.format, shape.outputs, shape.inputs, device)) is not None
        }
        fitting = [shape for shape in found if shape not in left_out]
        if not fitting:
            raise InfrastructureError(
                f"unicomp: no linear layer of {folder} fits the {self.format} kernel: {next(iter(left_out.values()))}."
            )
        dense, fast, places = Arm(device, [], []), Arm(device, [], []), []
        for shape in fitting:
            for place, blocks in self._places(shape, device):
                places.append(place)
                for arm, block in zip((dense, fast), blocks, strict=True):
                    arm.blocks.append(block)
                    arm.weights.append(shape.layers if place["rows"] == 1 else 0.0)
        names = ("dense bfloat16", " and ".join(dict.fromkeys(place["kernel"] for place in places)))
        known = {
            "format": self.format,
            "kernel": names[1],
            "device": host.device_name(device),
            "ceilings": ceilings(device),
            "left_out": [f"{shape.outputs} x {shape.inputs}: {why}" for shape, why in left_out.items()],
        }
        pairs = paired_timing.PairedRounds(dense.round, fast.round, names, device=device)
        return KernelRounds(pairs, (dense, fast), places, known)

    def _places(self, shape: LayerShape, device: str) -> list[tuple[dict[str, Any], tuple[Callable[[], int], Callable[[], int]]]]:
        """Return, for each number of rows, the facts of the place and the blocks of products of both arms."""
        import torch

        generator = torch.Generator().manual_seed(0)
        weight = torch.randn(shape.outputs, shape.inputs, generator=generator).to(device, torch.bfloat16)
        packed = kernels.pack(self.format, weight)
        copies = min(shape.layers, max(1, math.ceil(CACHE_BYTES[host.device_type(device)] / packed.bytes)))
        many = [packed.module, *(kernels.pack(self.format, weight).module for _ in range(copies - 1))]
        plain = [weight, *(weight.clone() for _ in range(copies - 1))]
        found = []
        for rows, phase in ROWS.items():
            x = torch.randn(rows, shape.inputs, generator=generator).to(device, torch.bfloat16)
            moved = 2 * rows * (shape.inputs + shape.outputs)
            place = {
                "outputs": shape.outputs,
                "inputs": shape.inputs,
                "layers": shape.layers,
                "names": list(shape.names),
                "rows": rows,
                "phase": phase,
                "kernel": kernels.operator_name(self.format, shape.inputs),
                "dense_bytes": 2 * shape.outputs * shape.inputs + moved,
                "bytes": packed.bytes + moved,
                "operations": 2 * rows * shape.outputs * shape.inputs,
                "difference": self._difference(packed, x),
            }
            dense = [partial(torch.nn.functional.linear, x, weight) for weight in plain]
            before, after, place["launched"] = _blocks(device, dense, [partial(module, x) for module in many])
            found.append((place, (before, after)))
        return found

    def _difference(self, packed: kernels.Packed, x: Any) -> float:
        """Return the relative difference of the kernel's product; raise InfrastructureError if it is more than rounding."""
        import torch

        with torch.inference_mode():
            wanted = torch.nn.functional.linear(x, packed.weight).float()
            difference = float((packed.module(x).float() - wanted).norm() / wanted.norm().clamp(min=1e-9))
        if not difference <= TOLERANCE[self.format]:
            raise InfrastructureError(
                f"unicomp: the {self.format} kernel does not multiply with its weight: its product differs by {difference:.3f} of its size, "
                f"at most {TOLERANCE[self.format]} is rounding; nothing was timed."
            )
        return difference


def _blocks(
    device: str, dense: Sequence[Callable[[], Any]], packed: Sequence[Callable[[], Any]]
) -> tuple[Callable[[], int], Callable[[], int], str | None]:
    """Return the blocks of both arms, on a GPU both captured in graphs; and, if one of them cannot be, why both are timed with their launches."""
    works = [_work(device, products) for products in (dense, packed)]
    (before, first), (after, second) = (captured(device, work) for work, _ in works)
    if first or second:
        before, after = (work for work, _ in works)
    return _counted(before, works[0][1]), _counted(after, works[1][1]), first or second


def _counted(work: Callable[[], object], products: int) -> Callable[[], int]:
    def block() -> int:
        work()
        return products

    return block


def _work(device: str, products: Sequence[Callable[[], Any]]) -> tuple[Callable[[], None], int]:
    """Return a function that performs products in turn until BLOCK_SECONDS are filled, and how many it performs."""
    import torch

    def some(turns: int) -> None:
        with torch.inference_mode():
            for _ in range(turns):
                for product in products:
                    product()

    once = paired_timing.fastest_seconds(lambda: paired_timing.device_seconds(device, lambda: some(1))[0], rounds=2)
    turns = max(1, math.ceil(BLOCK_SECONDS / max(once, 1e-7)))
    return lambda: some(turns), turns * len(products)


def ceilings(device: str) -> Ceilings:
    """Measure the ceilings of the device: bytes per second of a large copy (read and written), operations per second of a large product."""
    import torch

    kind = host.device_type(device)
    source = torch.zeros(COPIED_BYTES[kind], dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)
    copied = [paired_timing.device_seconds(device, lambda: target.copy_(source))[0] for _ in range(7)][1:]
    side = PRODUCT_SIDE[kind]
    left, right = (torch.randn(side, side, device=device).to(torch.bfloat16) for _ in range(2))
    multiplied = [paired_timing.device_seconds(device, lambda: left @ right)[0] for _ in range(5)][1:]
    return Ceilings(
        bandwidth=2 * COPIED_BYTES[kind] / min(copied),
        rate=2 * side**3 / min(multiplied),
        copied_bytes=2 * COPIED_BYTES[kind],
        product=f"{side} x {side} x {side}, bfloat16",
    )


def spread(values: list[float]) -> Spread:
    """Return median and quartiles of at least two values."""
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return Spread(median=middle, low=low, high=high)


BENCHMARKS = {
    "kernel-int8": Kernel(format="int8"),
    "kernel-int4": Kernel(format="int4"),
    "kernel-fp8": Kernel(format="fp8"),
    "kernel-2of4": Kernel(format="2of4"),
}
