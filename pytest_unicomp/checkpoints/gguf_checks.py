"""Static checks of a GGUF file against the checkpoint folder of its base, from the file's bytes: no model is loaded or run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_unicomp.api.foreign import read_object
from pytest_unicomp.checkpoints import gguf
from pytest_unicomp.checkpoints.checks import UNREADABLE, Finding, Outcome
from pytest_unicomp.checkpoints.checks.finding import judged, not_applicable
from pytest_unicomp.checkpoints.config_json import read_config
from pytest_unicomp.checkpoints.configuration import Unresolved, compare
from pytest_unicomp.checkpoints.gguf import tokenizer
from pytest_unicomp.checkpoints.gguf.configuration import ROTARY_TENSORS, configuration, refusal
from pytest_unicomp.checkpoints.gguf.describe import shares
from pytest_unicomp.checkpoints.gguf.weights import Reading, tensor
from pytest_unicomp.checkpoints.tokenization.probes import texts

HEAD, EMBEDDINGS = "output.weight", "token_embd.weight"
# Architectures of transformers that llama.cpp writes as "llama".
WRITTEN_AS_LLAMA = ("llama", "mistral")


@dataclass(frozen=True)
class GgufAndBase:
    """A GGUF file beside the folder of the model it was made from; each part is read once, and only if a check asks."""

    file: gguf.GgufFile
    base: Path

    @cached_property
    def base_config(self) -> dict[str, Any]:
        """config.json of the base."""
        return read_config(self.base)

    @cached_property
    def config(self) -> Any:
        """The transformers configuration that the file's metadata give."""
        return configuration(self.file, lambda name: tensor(self.file, name))

    @cached_property
    def base_tokenizer(self) -> Any:
        """The tokenizer of the base."""
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.base, local_files_only=True, trust_remote_code=False)

    @cached_property
    def own_tokenizer(self) -> Any:
        """The tokenizer that the file's metadata give."""
        return tokenizer.built(self.file)


def inspect(path: Path, base: Path) -> list[Finding]:
    """Return one finding per check for the GGUF file at `path`, `base` being the folder of the model it was made from.

    Tensors are read one at a time. Raises UsageProblem if the file is not a sound GGUF file.
    """
    pair = GgufAndBase(gguf.read(path), base)
    return [_finding(name, check, pair) for name, check in CHECKS.items()]


def _finding(name: str, check: GgufCheck, pair: GgufAndBase) -> Finding:
    try:
        outcome = check.inspect(pair)
    except UNREADABLE as error:
        outcome = Outcome("fail", f"it cannot be read: {type(error).__name__}: {error}")
    action = check.action if outcome.status == "fail" else ""
    return Finding(check=name, status=outcome.status, found=outcome.found, expected=outcome.expected or check.expected, action=action)


def bits(pair: GgufAndBase) -> Outcome:
    """Report bits per weight and the GGML types of the weights."""
    stored = sum(each.bytes for each in pair.file.tensors.values())
    if not pair.file.parameters:
        return judged(["it holds no tensors"], "")
    return judged([], f"{8 * stored / pair.file.parameters:.2f} bits per weight: {shares(pair.file)}")


def architecture(pair: GgufAndBase) -> Outcome:
    """Require that the file computes what the base computes: sizes, rotary settings, norms, windows, soft caps."""
    why = refusal(pair.file)
    if why is not None:
        return not_applicable(why)
    mine = pair.config.to_dict()
    mine.pop("quantization_config", None)
    theirs = pair.base_config
    if mine["model_type"] in WRITTEN_AS_LLAMA and theirs.get("model_type") in WRITTEN_AS_LLAMA:
        mine["model_type"] = theirs["model_type"]
    inner = theirs.get("text_config")
    text: dict[str, Any] = inner if isinstance(inner, dict) else theirs
    if mine["model_type"] != text.get("model_type"):
        return judged([f"model_type is {mine['model_type']}, the base has {text.get('model_type')}"], "")
    # Whether the head is tied has a check of its own, and converters pad the vocabulary.
    ignored = ("tie_word_embeddings", "vocab_size", "torch_dtype", "dtype")
    try:
        found = compare(_without(mine, ignored), _without(text, ignored))
    except Unresolved as reason:
        return judged([str(reason)], "")
    return judged(found.differences, f"{found.compared} settings compute what the base's do")


def _without(settings: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in names}


def tensors(pair: GgufAndBase) -> Outcome:
    """Require every weight of the model in the file, and nothing that the model does not have."""
    why = refusal(pair.file)
    if why is not None:
        return not_applicable(why)
    expected = Reading.of(pair.file, pair.config).names
    held = {name for name in pair.file.tensors if name not in ROTARY_TENSORS}
    tied = HEAD not in held
    missing = sorted(name for name in expected.needed if name not in held and not (tied and name == HEAD))
    unused = sorted(name for name in held if name not in expected.known)
    problems = [f"{name} is missing" for name in missing] + [f"{name} belongs to no weight of the model" for name in unused]
    return judged(problems, f"{len(held)} tensors, all of the model's")


def tied_head(pair: GgufAndBase) -> Outcome:
    """Require a head of its own exactly if the base has one; one that repeats the embeddings is the same model."""
    has_head = HEAD in pair.file.tensors
    from pytest_unicomp.checkpoints.configuration import resolve

    tied = bool(resolve(pair.base_config).text_settings.get("tie_word_embeddings"))
    if has_head and tied and not _repeats_embeddings(pair.file):
        return judged([f"it has {HEAD} beside other embeddings, the base ties them"], "")
    if not has_head and not tied:
        return judged([f"it has no {HEAD}, so llama.cpp uses the embeddings; the base's head is its own"], "")
    return judged([], "its own head" if has_head else "tied to the embeddings")


def _repeats_embeddings(file: gguf.GgufFile) -> bool:
    import numpy

    head, rows = file.tensors[HEAD], file.tensors.get(EMBEDDINGS)
    if rows is None or head.shape != rows.shape:
        return False
    # The two may be stored in different types: both are roundings of the same rows.
    first, second = tensor(file, HEAD)[:64], tensor(file, EMBEDDINGS)[:64]
    return bool(numpy.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.95)


def vocabulary(pair: GgufAndBase) -> Outcome:
    """Require that each id is the same token as in the base's tokenizer."""
    tokens = pair.file.metadata.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, list):
        return judged(["it holds no vocabulary"], "")
    known = pair.base_tokenizer.get_vocab()
    wrong = [
        f"id {place} is {tokens[place]!r}, the base has {token!r}" if place < len(tokens) else f"id {place} ({token!r}) is missing"
        for token, place in sorted(known.items(), key=lambda each: each[1])
        if place >= len(tokens) or not _same_token(tokens[place], token)
    ]
    return judged(wrong, f"{len(known)} tokens as the base's, {len(tokens)} rows")


def _same_token(mine: str, theirs: str) -> bool:
    """Return True if both name one token: llama.cpp's converter writes the word boundary of user-defined tokens as a space."""
    return mine == theirs or mine.replace("▁", " ") == theirs.replace("▁", " ")


def encoding(pair: GgufAndBase) -> Outcome:
    """Require that texts become the same tokens as with the base's tokenizer."""
    why = tokenizer.refusal(pair.file)
    if why is not None:
        return not_applicable(why)
    return judged(_different_encodings(pair), f"same tokens for {len(_probes(pair))} probe texts")


def _probes(pair: GgufAndBase) -> list[str]:
    return list(texts(list(pair.base_tokenizer.get_added_vocab()), ()))


def _different_encodings(pair: GgufAndBase) -> Iterator[str]:
    for probe in _probes(pair):
        mine = pair.own_tokenizer.encode(probe, add_special_tokens=False).ids
        theirs = pair.base_tokenizer.encode(probe, add_special_tokens=False)
        if mine != theirs:
            yield f"{probe!r} becomes {_shown(mine, pair)}, with the base's tokenizer {_shown(theirs, pair)}"


def _shown(ids: list[int], pair: GgufAndBase) -> str:
    tokens: list[str] = pair.file.metadata["tokenizer.ggml.tokens"]
    return " | ".join(tokens[place] if place < len(tokens) else str(place) for place in ids[:12])


def special_tokens(pair: GgufAndBase) -> Outcome:
    """Require that texts begin and end with the base's tokens."""
    mine = tokenizer.special_tokens(pair.file)
    theirs = {name: getattr(pair.base_tokenizer, name) for name in ("bos_token", "eos_token")}
    problems = []
    if theirs["bos_token"] and mine.get("bos_token") not in (None, theirs["bos_token"]):
        problems.append(f"bos_token is {mine.get('bos_token')!r}, the base has {theirs['bos_token']!r}")
    ends = {pair.file.metadata["tokenizer.ggml.tokens"][place] for place in tokenizer.end_tokens(pair.file)}
    if theirs["eos_token"] and theirs["eos_token"] not in ends | _base_ends(pair) & ends:
        problems.append(f"generation ends at {sorted(ends)}, the base's eos_token is {theirs['eos_token']!r}")
    adds = pair.base_tokenizer("x")["input_ids"][:1] == [pair.base_tokenizer.bos_token_id] if theirs["bos_token"] else False
    if tokenizer.adds_begin(pair.file) != adds:
        problems.append(
            f"it {'adds' if not adds else 'does not add'} the begin token, the base's tokenizer {'does' if adds else 'does not'}"
        )
    return judged(problems, ", ".join(f"{name} {value!r}" for name, value in mine.items()))


def _base_ends(pair: GgufAndBase) -> set[str]:
    """Return the tokens that end a generation of the base."""
    file = pair.base / "generation_config.json"
    stated = read_object(file).get("eos_token_id") if file.is_file() else None
    ids = stated if isinstance(stated, list) else [] if stated is None else [stated]
    return {str(pair.base_tokenizer.convert_ids_to_tokens(place)) for place in ids}


def chat_template(pair: GgufAndBase) -> Outcome:
    """Require the base's chat template."""
    mine, theirs = pair.file.metadata.get("tokenizer.chat_template"), pair.base_tokenizer.chat_template
    if theirs is None:
        return not_applicable("the base has no chat template")
    if mine is None:
        return judged(["it holds no chat template, the base has one"], "")
    chat = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi!"}, {"role": "user", "content": "Why?"}]
    if mine == theirs:
        return judged([], "the base's, character for character")
    rendered = [
        pair.base_tokenizer.apply_chat_template(chat, chat_template=template, tokenize=False, add_generation_prompt=True)
        for template in (mine, theirs)
    ]
    problems = (
        [] if rendered[0] == rendered[1] else [f"a chat becomes {rendered[0][:80]!r}..., with the base's template {rendered[1][:80]!r}..."]
    )
    return judged(problems, "written differently, renders a chat as the base's does")


def finite(pair: GgufAndBase) -> Outcome:
    """Require numbers: no NaN, no infinity, and no matrix of zeros alone."""
    import numpy

    problems = []
    for name, stored in pair.file.tensors.items():
        numbers = tensor(pair.file, name)
        if not numpy.isfinite(numbers).all():
            problems.append(f"{name} ({stored.type}) holds {int((~numpy.isfinite(numbers)).sum())} numbers that are NaN or infinite")
        elif len(stored.shape) > 1 and not numbers.any():
            problems.append(f"{name} holds zeros alone")
    return judged(problems, f"{len(pair.file.tensors)} tensors, all finite")


@dataclass(frozen=True)
class GgufCheck:
    """One check: what must hold, what to do if it does not, and the function that looks."""

    expected: str
    action: str
    inspect: Callable[[GgufAndBase], Outcome]


AGAIN = "convert it again from the base with a current convert_hf_to_gguf.py"
CHECKS = {
    "bits": GgufCheck("the bits per weight of its quantization", AGAIN, bits),
    "architecture": GgufCheck("a model that computes what the base computes", AGAIN, architecture),
    "tensors": GgufCheck("every weight of the model and no other", AGAIN, tensors),
    "tied-head": GgufCheck("an output head of its own exactly if the base has one", AGAIN, tied_head),
    "vocabulary": GgufCheck("the base's token for each id", AGAIN, vocabulary),
    "encoding": GgufCheck("the base's tokens for the same text", "check tokenizer.ggml.pre and token types, then " + AGAIN, encoding),
    "special-tokens": GgufCheck("the base's begin and end tokens", "set them with gguf_set_metadata, or " + AGAIN, special_tokens),
    "chat-template": GgufCheck("the base's chat template", "write it with gguf_new_metadata --chat-template", chat_template),
    "finite": GgufCheck("finite numbers", "quantize it again, with an importance matrix if one of its types needs it", finite),
}
