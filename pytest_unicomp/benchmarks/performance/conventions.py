"""The two ways of asking reasoning questions: lm-eval's own prompts, and the paper's worked examples as turns of a chat, greedy, up to a token limit.

The paper (arXiv 2602.09130, section 2.1 of its protocol) stops at the end-of-sequence token alone. A benchmark whose name ends in `-paper` asks
its way, on the prompts and with the answer extraction of lm-eval's task; the report names the benchmark, its shots, template and generation.
"""

from collections.abc import Mapping
from typing import Any


def greedy(tokens: int) -> Mapping[str, Any]:
    """Return generation settings: the most likely token each time, at most `tokens` of them, until the model ends its turn."""
    return {"until": [], "do_sample": False, "temperature": 0.0, "max_gen_toks": tokens}
