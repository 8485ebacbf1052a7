"""Names what is compared: artifacts of which model, on which benchmarks, how many items of each."""

from __future__ import annotations

MODEL = "smollm2"
DENSE = "dense"
ARTIFACTS = (DENSE, "rtn-w4a16", "gptq-w4a16", "smoothquant-w8a8", "fp8-dynamic", "wanda-2of4", "sparsegpt-2of4-fp8")
# Two by likelihood, one by generation.
BENCHMARKS = ("arc_easy", "piqa", "gsm8k")
ITEMS = 10
