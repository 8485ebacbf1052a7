"""Builds a tokenizer from a GGUF file's own metadata, so that it encodes as llama.cpp does.

transformers 5 builds one too, by architecture, and errs: Gemma's vocabulary is read as Unigram where llama.cpp merges pieces by their scores
(ten tokens instead of six for "The capital of France is"), and beginning and end token change places for `llama`. Here the file's
`tokenizer.ggml.*` keys decide alone: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#tokenizer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints.gguf.reader import GgufFile

# Values of `tokenizer.ggml.token_type`.
UNKNOWN, CONTROL, USER_DEFINED, BYTE = 2, 3, 4, 6
CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{SPACES}"
QWEN2 = rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{SPACES}"
QWEN35 = rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|{SPACES}"
GPT4O = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{CONTRACTIONS}?|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{CONTRACTIONS}?"
    rf"|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{SPACES}"
)
TEKKEN = rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{SPACES}"
DIGIT, DIGITS3 = r"\p{N}", r"\p{N}{1,3}"
DEEPSEEK3 = (
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|"""
    r"""\s*[\r\n]+|\s+(?!\S)|\s+"""
)
# To each `tokenizer.ggml.pre` the patterns that split text before merging, one after the other: those of the models' own tokenizer.json.
PATTERNS: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(("llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "lfm2", "dbrx", "smaug-bpe"), (LLAMA3,)),
    **dict.fromkeys(("qwen2", "deepseek-r1-qwen", "stablelm2", "megrez"), (QWEN2,)),
    "qwen35": (QWEN35,),
    **dict.fromkeys(("gpt-2", "phi-2", "mpt", "olmo", "jais", "mellum"), (GPT2,)),
    **dict.fromkeys(("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"), (DIGIT, GPT2)),
    **dict.fromkeys(("gpt-4o", "llama4"), (GPT4O,)),
    "tekken": (TEKKEN,),
    **dict.fromkeys(("chatglm-bpe", "glm4"), (LLAMA3,)),
    **dict.fromkeys(("deepseek-v3", "hunyuan-dense"), (DIGITS3, r"[一-龥぀-ゟ゠-ヿ]+", DEEPSEEK3)),
}
# Vocabularies that take a whole word as one token before any merge.
WHOLE_WORDS = frozenset({"llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "lfm2", "tekken"})
# Models of this kind add the begin token unless the file says otherwise.
ADDS_BEGIN = frozenset({"llama"})
KINDS = ("gpt2", "llama")


def refusal(file: GgufFile) -> str | None:
    """Return in one phrase why no tokenizer can be built from the file's metadata, or None if one can."""
    kind, pre = file.metadata.get("tokenizer.ggml.model"), file.metadata.get("tokenizer.ggml.pre", "default")
    if kind not in KINDS:
        return f"its tokenizer is of kind {kind!r}; expected one of {', '.join(KINDS)}"
    if kind == "gpt2" and pre not in PATTERNS:
        return f"its tokenizer splits text by {pre!r}, which is not known here"
    if not isinstance(file.metadata.get("tokenizer.ggml.tokens"), list):
        return "it holds no vocabulary (tokenizer.ggml.tokens)"
    if kind == "gpt2" and not isinstance(file.metadata.get("tokenizer.ggml.merges"), list):
        return "it holds no merges (tokenizer.ggml.merges)"
    return None


def require_buildable(file: GgufFile) -> None:
    """Raise UsageProblem, in one line, if no tokenizer can be built from the file's metadata."""
    if (why := refusal(file)) is not None:
        raise UsageProblem(
            f"unicomp: no tokenizer can be made from {file.path}: {why}. "
            "Give the folder of the model that it was made from as --unicomp-model: its tokenizer is used then."
        )


def special_tokens(file: GgufFile) -> dict[str, str]:
    """Return the special tokens by transformers' names ("bos_token", "eos_token", "pad_token", "unk_token"); those that the file names alone."""
    named = {"bos_token": "bos", "eos_token": "eos", "pad_token": "padding", "unk_token": "unknown"}
    tokens = file.metadata["tokenizer.ggml.tokens"]
    found = {name: file.metadata.get(f"tokenizer.ggml.{key}_token_id") for name, key in named.items()}
    return {name: tokens[place] for name, place in found.items() if isinstance(place, int) and 0 <= place < len(tokens)}


def end_tokens(file: GgufFile) -> list[int]:
    """Return the ids of the tokens that end a generation: end of text, and end of turn or message if the file names them."""
    keys = ("eos", "eot", "eom")
    found = [file.metadata.get(f"tokenizer.ggml.{key}_token_id") for key in keys]
    return list(dict.fromkeys(place for place in found if isinstance(place, int)))


def adds_begin(file: GgufFile) -> bool:
    """Return True if texts begin with the begin token."""
    return bool(file.metadata.get("tokenizer.ggml.add_bos_token", file.metadata.get("tokenizer.ggml.model") in ADDS_BEGIN))


def save(file: GgufFile, folder: Path) -> None:
    """Write tokenizer.json, tokenizer_config.json and the chat template, if the file has one, into the folder.

    Raises UsageProblem if no tokenizer can be built from the file's metadata.
    """
    from transformers import PreTrainedTokenizerFast

    require_buildable(file)
    made = PreTrainedTokenizerFast(
        tokenizer_object=built(file),
        **special_tokens(file),
        clean_up_tokenization_spaces=False,
        model_max_length=int(file.of_architecture("context_length", 2048)),
    )
    template = file.metadata.get("tokenizer.chat_template")
    if isinstance(template, str):
        made.chat_template = template
    made.save_pretrained(folder)


def built(file: GgufFile) -> Any:
    """Return the `tokenizers.Tokenizer` that the file's metadata give; the file is one that `refusal` does not refuse."""
    from tokenizers import AddedToken, Tokenizer

    tokens: list[str] = file.metadata["tokenizer.ggml.tokens"]
    kinds = file.metadata.get("tokenizer.ggml.token_type") or []
    made: Tokenizer = (_byte_level if file.metadata["tokenizer.ggml.model"] == "gpt2" else _sentencepiece)(file, tokens, kinds)
    control = [AddedToken(token, normalized=False, special=True) for token, kind in zip(tokens, kinds, strict=False) if kind == CONTROL]
    own = [AddedToken(token, normalized=False, special=False) for token, kind in zip(tokens, kinds, strict=False) if kind == USER_DEFINED]
    made.add_special_tokens(control)
    made.add_tokens(own)
    _add_ends(made, file, tokens)
    return made


def _byte_level(file: GgufFile, tokens: Sequence[str], kinds: Sequence[int]) -> Any:
    """BPE over bytes, each written as one printable character (GPT-2)."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    pre = file.metadata["tokenizer.ggml.pre"]
    merges = [(left, right) for left, _, right in (merge.partition(" ") for merge in file.metadata["tokenizer.ggml.merges"])]
    vocabulary = {token: place for place, token in enumerate(tokens)}
    made = Tokenizer(models.BPE(vocabulary, merges, ignore_merges=pre in WHOLE_WORDS))
    splits = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in PATTERNS[pre]]
    made.pre_tokenizer = pre_tokenizers.Sequence([*splits, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    made.decoder = decoders.ByteLevel()
    return made


def _sentencepiece(file: GgufFile, tokens: Sequence[str], kinds: Sequence[int]) -> Any:
    """BPE over characters whose merges follow from the pieces' scores, with bytes for characters that are not in the vocabulary."""
    from tokenizers import Tokenizer, decoders, models, normalizers

    scores = file.metadata.get("tokenizer.ggml.scores") or [-float(place) for place in range(len(tokens))]
    pieces = {token: place for place, token in enumerate(tokens)}
    unknown = special_tokens(file).get("unk_token")
    made = Tokenizer(models.BPE(pieces, merges(tokens, scores, kinds), unk_token=unknown, fuse_unk=True, byte_fallback=True))
    prefixed = bool(file.metadata.get("tokenizer.ggml.add_space_prefix", True))
    spaces = normalizers.Replace(" ", "▁")
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), spaces]) if prefixed else spaces
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    made.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if prefixed else steps)
    return made


def merges(tokens: Sequence[str], scores: Sequence[float], kinds: Sequence[int]) -> list[tuple[str, str]]:
    """Return the merges that a SentencePiece BPE vocabulary implies: every split of a piece into two others, the best score first.

    SentencePiece (Kudo and Richardson, 2018, https://arxiv.org/abs/1808.06226) joins the neighbours whose union has the highest score; a list
    of merges in the order of those scores does the same. Control, unknown and byte pieces are never joined.
    """
    never = {UNKNOWN, CONTROL, BYTE}
    usable = {token: score for token, score, kind in zip(tokens, scores, kinds or [1] * len(tokens), strict=False) if kind not in never}
    found = [
        (-score, place, at, token[:at], token[at:])
        for place, (token, score) in enumerate(usable.items())
        for at in range(1, len(token))
        if token[:at] in usable and token[at:] in usable
    ]
    return [(left, right) for *_, left, right in sorted(found)]


def _add_ends(made: Any, file: GgufFile, tokens: Sequence[str]) -> None:
    """Let the tokenizer add the begin and end tokens that the file asks for."""
    from tokenizers import processors

    begins = adds_begin(file)
    ends = bool(file.metadata.get("tokenizer.ggml.add_eos_token", False))
    places = {name: file.metadata.get(f"tokenizer.ggml.{name}_token_id") for name in ("bos", "eos")}
    before = [tokens[places["bos"]]] if begins and isinstance(places["bos"], int) else []
    after = [tokens[places["eos"]]] if ends and isinstance(places["eos"], int) else []
    if before or after:
        made.post_processor = processors.TemplateProcessing(
            single=[*before, "$A", *after],
            pair=[*before, "$A", *after, "$B", *after],
            special_tokens=[(token, tokens.index(token)) for token in dict.fromkeys((*before, *after))],
        )
