"""Cosines of sentence embeddings, computed on this machine: the mean of the last hidden states over the tokens of a text, normalised."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UnicompError, one_line
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.engine.host import host

BATCH = 64
TOKENS = 512


class Embeddings:
    """One model; texts are embedded once (Reimers & Gurevych 2019, arXiv 1908.10084, mean pooling)."""

    def __init__(self, folder: Path, device: str) -> None:
        """Load the checkpoint folder; no code of it is run."""
        from transformers import AutoModel, AutoTokenizer

        from pytest_unicomp.engine.quiet_libraries import quiet

        self._device = host.resolve_device(device)
        with quiet():
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            model = AutoModel.from_pretrained(folder, local_files_only=True, trust_remote_code=False, use_safetensors=True)
        self._model = model.to(self._device).eval()
        self._known: dict[str, Any] = {}

    def cosines(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Return the cosine, in [-1, 1], of each pair of texts."""
        new = [text for text in dict.fromkeys(text for pair in pairs for text in pair) if text not in self._known]
        for start in range(0, len(new), BATCH):
            part = new[start : start + BATCH]
            self._known |= dict(zip(part, self._embed(part), strict=True))
        return [float(self._known[first] @ self._known[second]) for first, second in pairs]

    def _embed(self, texts: list[str]) -> Any:
        import torch

        inputs = self._tokenizer(texts, return_tensors="pt", padding=True, truncation=True, max_length=TOKENS).to(self._device)
        with torch.inference_mode():
            states = self._model(**inputs).last_hidden_state
        mask = inputs["attention_mask"][..., None].to(states.dtype)
        mean = (states * mask).sum(1) / mask.sum(1).clamp(min=1)
        return torch.nn.functional.normalize(mean.float(), dim=-1).cpu()


def load(name: str, bundle: Path | None, device: str) -> Embeddings | str:
    """Return the embeddings, or one phrase on why this machine has none; nothing is fetched if there is a bundle."""
    return _load(name, bundle, device)


@cache
def _load(name: str, bundle: Path | None, device: str) -> Embeddings | str:
    import os

    hint = f"give a folder with --unicomp-similarity, or fetch it: unicomp prefetch --model {name} --bundle {bundle or 'DIR'}"
    offline = os.environ.get("HF_HUB_OFFLINE", "0").lower() in ("1", "true", "yes", "on")
    try:
        folder = hub.local(name, bundle)
        if folder is None and (bundle is not None or offline):
            return f"not available: the sentence-embedding model {name} is not on this machine; {hint}"
        return Embeddings(folder or hub.resolve(name, bundle), device)
    except (UnicompError, OSError, ValueError) as error:
        return f"not available: the sentence-embedding model {name} cannot be loaded ({one_line(error, longest=160)}); {hint}"
