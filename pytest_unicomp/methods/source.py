"""Load the reference for a method and carry its tokenizer, chat template and generation settings over to the artifact unchanged."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.checkpoints.config_json import read_config
from pytest_unicomp.engine.quiet_libraries import quiet_with_captured_output

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

COMPANIONS = (
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "*.model",
    "*.tiktoken",
    "chat_template*",
    "generation_config.json",
)


def require_unquantized(source: Path) -> None:
    """Raise UnicompError if the checkpoint's configuration declares a quantization."""
    quantization = read_config(source).get("quantization_config")
    if quantization:
        raise UnicompError(
            f"unicomp: {source} is quantized already ({quantization.get('quant_method', 'unknown method')}); "
            "give the full-precision checkpoint as the model, and this one as a candidate."
        )


def load_model(source: Path, *, dtype: str = "auto") -> PreTrainedModel:
    """Load a full-precision checkpoint folder (safetensors, no remote code) on the CPU, in its own dtype unless `dtype` names one.

    Raises UnicompError if it is quantized already.
    """
    require_unquantized(source)
    with quiet_with_captured_output():
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(source, dtype=dtype, use_safetensors=True, trust_remote_code=False)
    return model.eval()


def load_tokenizer(source: Path) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a checkpoint folder."""
    with quiet_with_captured_output():
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(source, trust_remote_code=False)


def copy_companions(source: Path, destination: Path) -> None:
    """Copy tokenizer, chat template and generation settings byte for byte: saving them again would reorder or drop fields."""
    for pattern in COMPANIONS:
        for file in sorted(source.glob(pattern)):
            if file.is_file():
                shutil.copyfile(file, destination / file.name)
