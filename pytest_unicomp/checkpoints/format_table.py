"""The formats that checkpoints are shipped in, and what this program does with each: one row per format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# here: loaded as it is. converted: once per content, then loaded. extra: loaded if a library is installed. serve: another program must run it.
Support = Literal["here", "converted", "extra", "serve"]
SERVE = "--unicomp-serve='vllm serve {model} --port {port}'"
ADDRESSES = "--unicomp-reference=URL --unicomp-candidate=URL"
CLASSES = "--unicomp-recipe=dense --unicomp-backend=lm-eval:hf --unicomp-backend-candidate=lm-eval:{},pretrained=DIR"


@dataclass(frozen=True)
class Format:
    """One format: its title, how it is recognized, if `unicomp check-artifact` reads its codes, and how it is evaluated.

    `package` is what `pip install` takes and `module` what Python imports, for `extra`; `server` is the command that serves it, for `serve`,
    and `lm_eval` the class of lm-eval that loads it, if there is one. `note` is half a sentence on what is computed how, `place` what is named as candidate.
    """

    title: str
    recognized: str
    support: Support
    checked: bool = False
    package: str = ""
    module: str = ""
    server: str = ""
    lm_eval: str = ""
    note: str = ""
    place: str = "DIR"

    @property
    def action(self) -> str:
        """Return the command that evaluates a checkpoint of the format."""
        gate = f"unicomp gate BASE --candidate {self.place}"
        if self.support == "extra":
            return f"pip install {self.package}; {gate}"
        if self.lm_eval:
            return CLASSES.format(self.lm_eval)
        if self.support == "serve":
            return SERVE if self.server == "vllm serve DIR" else f"{self.server}, and {ADDRESSES}"
        return gate


def _method(name: str) -> str:
    return f'`"quant_method": "{name}"`'


def _extra(title: str, method: str, package: str, module: str, note: str = "", *, checked: bool = False) -> Format:
    return Format(title, _method(method), "extra", checked, package, module, note=note)


FORMATS = {
    "none": Format("dense safetensors", "no `quantization_config`", "here", checked=True),
    "vision": Format(
        "vision-language models, in any of these formats",
        "`vision_config` in config.json",
        "here",
        checked=True,
        note="the language part, on texts alone",
    ),
    "compressed-tensors": Format(
        "compressed-tensors (llm-compressor), every preset",
        _method("compressed-tensors"),
        "here",
        checked=True,
        note="weights are unpacked, activations and the KV cache rounded as declared",
    ),
    "modelopt": Format(
        "ModelOpt FP8 and NVFP4",
        f"{_method('modelopt')}, or hf_quant_config.json",
        "converted",
        checked=True,
        note="to compressed-tensors; activations and the KV cache rounded as declared",
    ),
    "gptq": Format("GPTQ (AutoGPTQ, GPTQModel)", f"{_method('gptq')}, or quantize_config.json", "converted", checked=True),
    "awq": Format("AWQ (AutoAWQ, gemm)", _method("awq"), "converted", checked=True),
    "auto-round": Format(
        "AutoRound", _method("auto-round"), "converted", checked=True, note="the packings of GPTQ and AWQ; other packings are refused"
    ),
    "mxfp4": Format("gpt-oss MXFP4", _method("mxfp4"), "here", note="weights are unpacked by transformers"),
    "fp8": Format("block FP8 (DeepSeek)", _method("fp8"), "here", note="weights are unpacked by transformers if there is no GPU"),
    "gguf": Format(
        "GGUF (llama.cpp, Ollama)",
        "a file `*.gguf`",
        "converted",
        checked=True,
        note="weights exactly; activations are not rounded",
        place="FILE.gguf",
    ),
    "lora": Format(
        "LoRA adapter (peft)", "`adapter_config.json`", "converted", note="merged in float32 into its base, unpacked if that is quantized"
    ),
    "bitsandbytes": _extra("bitsandbytes NF4, FP4, int8", "bitsandbytes", "bitsandbytes", "bitsandbytes", checked=True),
    "torchao": _extra("torchao", "torchao", "torchao", "torchao"),
    "quanto": _extra("Quanto", "quanto", "optimum-quanto", "optimum", "not tried here"),
    "quark": _extra("AMD Quark", "quark", "amd-quark", "quark", "not tried here"),
    "fp_quant": _extra("FP-Quant", "fp_quant", "fp-quant", "fp_quant", "needs a GPU; not tried here"),
    "vptq": _extra("VPTQ", "vptq", "vptq", "vptq", "needs a GPU; not tried here"),
    "spqr": _extra("SpQR", "spqr", "spqr_quant", "spqr_quant", "needs a GPU; not tried here"),
    "hqq": Format("HQQ", _method("hqq"), "serve", server="vllm serve DIR"),
    "aqlm": Format("AQLM", _method("aqlm"), "serve", server="vllm serve DIR"),
    "exl2": Format("EXL2", _method("exl2"), "serve", server="TabbyAPI's main.py --model-name DIR"),
    "exl3": Format("EXL3", _method("exl3"), "serve", server="TabbyAPI's main.py --model-name DIR"),
    "mlx": Format("MLX", "`quantization` in config.json without `quant_method`", "serve", server="mlx_lm.server --model DIR"),
    "onnx": Format("ONNX", "files `*.onnx`", "serve", server="a server of ONNX Runtime GenAI with /v1/completions", lm_eval="onnxruntime"),
    "openvino": Format(
        "OpenVINO", "`openvino_model.xml`", "serve", server="ovms --model_path DIR --task text_generation", lm_eval="openvino"
    ),
}
# transformers loads these with a library or a GPU of their own; nothing here was tried with them, and nothing refuses them.
UNTRIED = ("bitnet", "eetq", "fbgemm_fp8", "fouroversix", "gemma", "higgs", "metal", "mxfp8", "nvfp4", "sinq")
