"""One defect, one check: a sound checkpoint damaged in one place fails the check that looks there, and says where."""

import json
import re
import shutil

import numpy as np
import pytest

from pytest_unicomp.checkpoints import checks as artifact_checks
from pytest_unicomp.checkpoints.checks import Promise
from tests.checkpoints.checks.conftest import Broken

UP = "model.layers.1.mlp.up_proj"


def set_item(key, value):
    return lambda content: content.__setitem__(key, value)


def nest(outer, key, value):
    return lambda content: content[outer].__setitem__(key, value)


def at(name, place, value):
    def change(tensors):
        flat = tensors[name].view(-1)
        flat[place] = value

    return change


def resize(copy):
    from tests.methods import tiny

    tiny.checkpoint(copy.folder, vocab_size=200)


def untie(copy):
    copy.json("config.json", set_item("tie_word_embeddings", False))
    copy.tensors(lambda tensors: tensors.__setitem__("lm_head.weight", tensors["model.embed_tokens.weight"].clone()))


def other_head(copy):
    copy.tensors(lambda tensors: tensors.__setitem__("lm_head.weight", tensors["model.embed_tokens.weight"] * 2))


def truncate(copy):
    file = copy.folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def shard(copy, *, drop=None, lose=None, add=False, index=True):
    """Write the weights as two files with an index; then lose a file, a tensor, or the index."""
    from safetensors.torch import load_file, save_file

    held = load_file(copy.folder / "model.safetensors")
    (copy.folder / "model.safetensors").unlink()
    names = sorted(held)
    places = {name: f"model-0000{1 + (place >= len(names) // 2)}-of-00002.safetensors" for place, name in enumerate(names)}
    for file in set(places.values()):
        save_file({name: held[name] for name in names if places[name] == file and name != lose}, copy.folder / file)
    if add:
        del places[names[0]]
    if index:
        (copy.folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    if drop:
        (copy.folder / drop).unlink()


def wrong_version(copy):
    copy.json("config.json", nest("quantization_config", "checkpoint_format", "gptq_v2"))


def widen(copy):
    """Declare 4 bits for codes that are stored as 8-bit integers."""
    copy.json("config.json", lambda config: config["quantization_config"]["config_groups"]["group_0"]["weights"].update(num_bits=4))


def dense_layer(copy):
    import torch

    def change(tensors):
        for part in ("weight_packed", "weight_scale", "weight_shape"):
            del tensors[f"{UP}.{part}"]
        tensors[f"{UP}.weight"] = torch.ones(256, 128)

    copy.tensors(change)


def dequantize_all(copy):
    import torch

    # One unpacked copy of a layer beside its packed form: as many bytes as the base had.
    copy.tensors(lambda tensors: tensors.__setitem__("model.layers.0.spare.weight", torch.zeros(256, 2048)))


def undeclare(copy):
    copy.json("config.json", lambda config: config.pop("quantization_config"))


def dense_kind(copy):
    """As when the ignore list is lost: one kind of layer is dense in every block."""
    import torch

    def change(tensors):
        for block in (0, 1):
            module = f"model.layers.{block}.mlp.up_proj"
            for part in ("weight_packed", "weight_scale", "weight_shape"):
                del tensors[f"{module}.{part}"]
            tensors[f"{module}.weight"] = torch.ones(256, 128)

    copy.tensors(change)


def make_static(copy):
    def change(config):
        for group in config["quantization_config"]["config_groups"].values():
            group["input_activations"].update(dynamic=False, strategy="tensor")

    copy.json("config.json", change)


def one_input_scale(copy):
    import torch

    make_static(copy)
    copy.tensors(lambda tensors: tensors.__setitem__(f"{UP}.input_scale", torch.ones(1)))


def pack_router(copy):
    def change(tensors):
        for part in ("qweight", "qzeros", "scales", "g_idx"):
            tensors[f"model.layers.1.mlp.gate.{part}"] = tensors[f"{UP}.{part}"].clone()

    copy.tensors(change)
    copy.json("config.json", set_item("num_experts_per_tok", 2))
    copy.base_config(set_item("num_experts_per_tok", 2))


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "ab" * 32 + "\nsize 4332080\n"


def empty_index(copy):
    shard(copy)
    copy.json("model.safetensors.index.json", set_item("weight_map", None))


def merges(content):
    content["model"]["merges"] = [["a", "b"]]


def swap(content):
    vocabulary = content["model"]["vocab"]
    vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]


DEFECTS = {
    # name: (sound checkpoint, how it is damaged, the checks that fail, what one of them says)
    "a pickle beside the weights": (
        "dense",
        lambda copy: (copy.folder / "training_args.bin").write_bytes(b"\x80"),
        {"safetensors-only"},
        "training_args.bin",
    ),
    "a pickle in a folder below": (
        "dense",
        lambda copy: ((copy.folder / "old").mkdir(), (copy.folder / "old" / "model.pt").write_bytes(b"\x80")),
        {"safetensors-only"},
        "old/model.pt",
    ),
    "python code": ("dense", lambda copy: (copy.folder / "modeling_x.py").write_text(""), {"no-custom-code"}, "modeling_x.py is code"),
    "auto_map": (
        "dense",
        lambda copy: copy.json("config.json", set_item("auto_map", {"AutoModel": "x.Y"})),
        {"no-custom-code"},
        "auto_map",
    ),
    "a file cut short": ("dense", truncate, {"files-complete", "shapes", "vocabulary-size"}, "damaged or cut short"),
    "a missing file of two": (
        "dense",
        lambda copy: shard(copy, drop="model-00002-of-00002.safetensors"),
        {"files-complete", "shapes"},
        "is missing",
    ),
    "a tensor that the index has and no file": (
        "dense",
        lambda copy: shard(copy, lose=f"{UP}.weight"),
        {"files-complete", "shapes"},
        f"tensor {UP}.weight is not in model-0000",
    ),
    "a tensor that the index has not": (
        "dense",
        lambda copy: shard(copy, add=True),
        {"files-complete"},
        "is not in the index, so it is never read",
    ),
    "two files without an index": ("dense", lambda copy: shard(copy, index=False), {"files-complete"}, "index.json is missing"),
    "one NaN": ("dense", lambda copy: copy.tensors(at(f"{UP}.weight", 7, float("nan"))), {"finite-weights"}, f"{UP}.weight holds 1 NaN"),
    "one infinity": (
        "rtn-w4a16",
        lambda copy: copy.tensors(at("model.norm.weight", 0, float("-inf"))),
        {"finite-weights"},
        "model.norm.weight",
    ),
    "NaN in 8-bit floats": (
        "fp8-dynamic",
        lambda copy: copy.tensors(at(f"{UP}.weight", 3, float("nan"))),
        {"finite-weights"},
        f"{UP}.weight holds 1 NaN",
    ),
    "a layer of zeros": (
        "dense",
        lambda copy: copy.tensors(lambda tensors: tensors[f"{UP}.weight"].zero_()),
        {"no-dead-layers"},
        f"{UP}.weight: all 32768 numbers are zero",
    ),
    "a quantized layer of zeros": (
        "rtn-w4a16",
        lambda copy: copy.tensors(lambda tensors: tensors[f"{UP}.weight_packed"].fill_(-2004318072)),
        {"no-dead-layers"},
        f"{UP}.weight_packed: all codes are the same",
    ),
    "a zero scale": (
        "rtn-w4a16",
        lambda copy: copy.tensors(at(f"{UP}.weight_scale", 3, 0.0)),
        {"positive-scales"},
        f"{UP}.weight_scale: of 256 scales 1 zero",
    ),
    "a negative scale": ("awq", lambda copy: copy.tensors(at(f"{UP}.scales", 3, -1.0)), {"positive-scales"}, "1 below zero"),
    "zero points of another version": ("gptq", wrong_version, {"zero-points"}, "the other version's"),
    "zero points that wrapped": (
        "gptq-asymmetric",
        lambda copy: copy.tensors(at(f"{UP}.qzeros", 0, -1)),
        {"zero-points"},
        "stored as 15: -1",
    ),
    "an index to a group that is not there": (
        "gptq",
        lambda copy: copy.tensors(at(f"{UP}.g_idx", 0, 9)),
        {"zero-points"},
        "g_idx names groups 0 to 9",
    ),
    "an order that is denied": (
        "gptq",
        lambda copy: copy.tensors(lambda tensors: tensors.__setitem__(f"{UP}.g_idx", tensors[f"{UP}.g_idx"].flip(0))),
        {"zero-points"},
        "desc_act is declared false",
    ),
    "4 bits declared, 8 stored": ("rtn-w8a16", widen, {"declared-bits", "bits-per-weight"}, "4 bits are declared, the shape gives 8"),
    "4 bits declared, integers of 8": ("smoothquant-w8a8", widen, {"declared-bits"}, "4 bits hold -8 to 7"),
    "other bits in gptq": (
        "gptq",
        lambda copy: copy.json("config.json", nest("quantization_config", "bits", 8)),
        {"declared-bits", "bits-per-weight"},
        "gives 4",
    ),
    "another group size": (
        "awq",
        lambda copy: copy.json("config.json", nest("quantization_config", "group_size", 32)),
        {"declared-bits", "bits-per-weight"},
        "qzeros",
    ),
    "a layer left dense": ("rtn-w4a16", dense_layer, {"declared-bits"}, f"{UP} is dense, though config.json declares it quantized"),
    "packed, and nothing declared": (
        "gptq",
        lambda copy: copy.json("config.json", lambda config: config.pop("quantization_config")),
        {"declared-bits", "shapes"},
        "declares no quantization",
    ),
    "8-bit floats and scales, and nothing declared": (
        "fp8-dynamic",
        undeclare,
        {"declared-bits"},
        "14 weight_scale of quantized layers (first model.layers.0",
    ),
    "8-bit integers, and nothing declared": (
        "smoothquant-w8a8",
        undeclare,
        {"declared-bits"},
        "14 weights in I8 (first",
    ),
    "4-bit codes, and nothing declared": ("rtn-w4a16", undeclare, {"declared-bits", "shapes"}, "declares no quantization"),
    "a kind of layer left dense everywhere": (
        "rtn-w4a16",
        dense_kind,
        {"declared-bits"},
        "up_proj is dense, though config.json declares it",
    ),
    "a layer that AWQ leaves out and packs": (
        "awq",
        lambda copy: copy.json("config.json", nest("quantization_config", "modules_to_not_convert", ["up_proj"])),
        {"declared-bits"},
        "up_proj is packed, though config.json leaves it out",
    ),
    "a layer that GPTQ leaves out and packs": (
        "gptq",
        lambda copy: copy.json("config.json", nest("quantization_config", "modules_in_block_to_quantize", [["self_attn.q_proj"]])),
        {"declared-bits"},
        "is packed, though config.json leaves it out (and",
    ),
    "a packed router": ("gptq", pack_router, {"declared-bits"}, "mlp.gate is packed, but it is a router"),
    "static activations without scales": ("fp8-dynamic", make_static, {"declared-bits"}, "(14 of 14 layers lack it)"),
    "one layer of all with a static scale": ("fp8-dynamic", one_input_scale, {"declared-bits"}, "(13 of 14 layers lack it)"),
    "a static cache without scales": (
        "fp8-dynamic",
        lambda copy: copy.json(
            "config.json", nest("quantization_config", "kv_cache_scheme", {"num_bits": 8, "type": "float", "dynamic": False})
        ),
        {"declared-bits"},
        "has no v_scale, though config.json declares static scales of the KV cache (2 of 2",
    ),
    "a Git LFS pointer for the weights": (
        "dense",
        lambda copy: (copy.folder / "model.safetensors").write_text(POINTER),
        {"files-complete", "shapes", "vocabulary-size"},
        "model.safetensors is a Git LFS pointer",
    ),
    "a Git LFS pointer for the tokenizer": (
        "dense",
        lambda copy: (copy.folder / "tokenizer.json").write_text(POINTER),
        {"files-complete", "tokenizer", "vocabulary-size"},
        "tokenizer.json is a Git LFS pointer",
    ),
    "an index that names nothing": ("dense", empty_index, {"files-complete"}, "index.json has no weight_map"),
    "weights in a second format": (
        "dense",
        lambda copy: (copy.folder / "model-q8_0.gguf").write_bytes(b"GGUF"),
        {"files-complete"},
        "model-q8_0.gguf lies beside the weights",
    ),
    "bits that make no sense": (
        "gptq",
        lambda copy: copy.json("config.json", nest("quantization_config", "bits", "four")),
        {"declared-bits", "bits-per-weight", "zero-points", "shapes", "vocabulary-size", "no-dead-layers"},
        "'four' bits",
    ),
    "quantized and not smaller": ("rtn-w4a16", dequantize_all, {"smaller-than-base", "declared-bits"}, "the base has"),
    "two tokens changed places": ("dense", lambda copy: copy.json("tokenizer.json", swap), {"tokenizer"}, "vocabulary differ (first 'a'"),
    "another merge": (
        "dense",
        lambda copy: copy.json("tokenizer.json", merges),
        {"tokenizer"},
        "merges differ (1 entries, the base has 0)",
    ),
    "another normalizer": (
        "dense",
        lambda copy: copy.json("tokenizer.json", set_item("normalizer", {"type": "Lowercase"})),
        {"tokenizer"},
        "probes differ)",
    ),
    "no tokenizer": ("dense", lambda copy: (copy.folder / "tokenizer.json").unlink(), {"tokenizer"}, "none of tokenizer.json is there"),
    "another pad token": (
        "dense",
        lambda copy: copy.json("tokenizer_config.json", set_item("pad_token", "<unk>")),
        {"special-tokens"},
        "pad_token is '<unk>'",
    ),
    "another chat template": (
        "dense",
        lambda copy: (copy.folder / "chat_template.jinja").write_text("{{ messages }}"),
        {"chat-template"},
        "template 'default' differs",
    ),
    "no chat template": ("dense", lambda copy: (copy.folder / "chat_template.jinja").unlink(), {"chat-template"}, "is missing"),
    "another end": (
        "dense",
        lambda copy: copy.json("config.json", set_item("eos_token_id", 1)),
        {"token-ids"},
        "eos_token_id is 1, the base has 2",
    ),
    "other generation settings": (
        "dense",
        lambda copy: copy.json("generation_config.json", set_item("do_sample", True)),
        {"generation-config"},
        "do_sample is True",
    ),
    "untied": ("dense", untie, {"tied-weights"}, "tie_word_embeddings is False, the base has True"),
    "a head that is not the embeddings": ("dense", other_head, {"tied-weights"}, "lm_head.weight is stored and is not the embeddings"),
    "fewer embeddings than tokens": ("dense", resize, {"vocabulary-size"}, "highest token is 258, config.json has vocab_size 200"),
    "another architecture": (
        "dense",
        lambda copy: copy.json("config.json", set_item("model_type", "mistral")),
        {"architecture"},
        "model_type is mistral, the base has llama",
    ),
    "a larger width in config.json": (
        "dense",
        lambda copy: copy.json("config.json", set_item("hidden_size", 256)),
        {"architecture", "shapes"},
        "larger than the base",
    ),
    "another rotary base": (
        "dense",
        lambda copy: copy.json("config.json", nest("rope_parameters", "rope_theta", 500000.0)),
        {"computation"},
        "rotary embeddings are",
    ),
    "heads counted otherwise": (
        "dense",
        lambda copy: copy.json("config.json", lambda config: config.update(num_attention_heads=2, num_key_value_heads=2)),
        {"shapes"},
        "num_attention_heads 2, the base 4, yet every tensor has the base's shape",
    ),
    "another activation": (
        "dense",
        lambda copy: copy.json("config.json", set_item("hidden_act", "gelu")),
        {"computation"},
        "hidden_act is 'gelu'",
    ),
    "a bias that would be lost": (
        "gptq",
        lambda copy: copy.tensors(lambda tensors: tensors.__setitem__(f"{UP}.bias", tensors[f"{UP}.scales"][0].clone())),
        {"shapes"},
        "has no place in the base's architecture",
    ),
    "a layer is missing": (
        "dense",
        lambda copy: copy.tensors(lambda tensors: tensors.pop(f"{UP}.weight")),
        {"shapes"},
        f"{UP}.weight is missing",
    ),
}


@pytest.mark.parametrize(("name", "damage", "checks", "words"), DEFECTS.values(), ids=DEFECTS)
def test_a_defect_is_found_by_its_check(name, damage, checks, words, broken):
    copy = broken(name)
    assert copy.failed() == {}
    damage(copy)
    failed = copy.failed()
    assert set(failed) == checks
    assert any(words in finding.found for finding in failed.values()), {check: finding.found for check, finding in failed.items()}
    assert all(finding.action and finding.expected for finding in failed.values())


def test_every_check_has_a_defect_that_it_finds():
    tested = {check for _, _, checks, _ in DEFECTS.values() for check in checks} | {"sparsity", "sparsity-pattern", "provenance"}
    assert tested == set(artifact_checks.checks())


PROMISE = Promise.of("pruning", {"sparsity": 0.5, "pattern": "2:4"}, "recipe wanda-2of4")


def test_one_group_of_four_with_one_zero_breaks_the_pattern_and_not_the_share(broken):
    copy = broken("wanda-2of4")
    assert copy.failed(PROMISE) == {}

    def fill(tensors):
        flat = tensors[f"{UP}.weight"].view(-1)
        flat[int((flat == 0).nonzero()[0])] = 1.0

    copy.tensors(fill)
    failed = copy.failed(PROMISE)
    assert set(failed) == {"sparsity-pattern"}
    assert failed["sparsity-pattern"].found == f"{UP}.weight: 1 of 8192 groups hold fewer than 2 zeros"


def test_one_dense_layer_among_sparse_ones_is_found_though_the_average_would_hide_it(broken):
    copy = broken("wanda-50")
    promise = Promise("recipe", 0.5)
    copy.tensors(lambda tensors: tensors[f"{UP}.weight"].fill_(1.0))
    failed = copy.failed(promise)
    assert set(failed) == {"sparsity"}
    assert failed["sparsity"].found == f"{UP}.weight: 0.00 % are zero"
    assert "0 to" in copy.findings(Promise("recipe", 0.0))["sparsity"].found


def test_the_record_beside_the_weights_is_believed_where_no_recipe_speaks_and_guards_its_files(broken):
    from pytest_unicomp.checkpoints.hub import fingerprint

    copy = broken("wanda-50")
    record = {"family": "pruning", "settings": {"sparsity": 0.5, "pattern": "2:4"}, "fingerprint": fingerprint(copy.folder)}
    (copy.folder / "unicomp.json").write_text(json.dumps(record))
    assert set(copy.failed()) == {"sparsity-pattern"}
    assert "by unicomp.json" in copy.failed()["sparsity-pattern"].expected
    copy.json("config.json", set_item("use_cache", False))
    assert set(copy.failed()) == {"sparsity-pattern", "provenance"}


def test_the_bits_of_a_mask_are_looked_at(broken):
    copy = broken("bitmask")
    copy.tensors(lambda tensors: tensors[f"{UP}.weight.bitmask"].view(-1).__setitem__(0, 0b0111_0011))
    assert set(copy.failed()) == {"sparsity-pattern"}


def test_steps_promise_together_and_training_afterwards_frees_them():
    settings = {"steps": [{"method": "wanda", "sparsity": 0.5, "pattern": "2:4"}, {"method": "rtn", "bits": 8, "group": 128}]}
    assert (Promise.of("quantization", settings, "x").sparsity, Promise.of("quantization", settings, "x").pattern) == (0.5, "2:4")
    assert Promise.of("distillation", settings, "x").pattern is None


def test_zeros_of_packed_integers_are_counted_where_they_stand_for_zero(broken):
    copy = broken("rtn-w4a16")
    share = float(copy.findings(Promise("recipe", 0.0))["sparsity"].found.split()[0]) / 100
    from pytest_unicomp.engine import load

    model = load(copy.folder, device="cpu", dtype="float32").model
    layers = [weight for name, weight in model.named_parameters() if name.endswith("_proj.weight")]
    assert share == pytest.approx(min(float((weight == 0).float().mean()) for weight in layers), abs=1e-4)


def test_a_file_that_is_no_json_fails_what_needs_it_and_nothing_else_stops(broken):
    copy = broken("dense")
    (copy.folder / "tokenizer.json").write_text("{")
    failed = copy.failed()
    assert set(failed) == {"tokenizer", "vocabulary-size"}
    assert "cannot be read: " in failed["tokenizer"].found
    assert "tokenizer.json is not JSON" in failed["tokenizer"].found


def test_old_and_new_ways_of_writing_the_same_are_equal(broken):
    copy = broken("dense")

    def older(config):
        config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
        config["torch_dtype"] = config.pop("dtype")

    template = (copy.folder / "chat_template.jinja").read_text()
    copy.json("config.json", older)
    (copy.folder / "chat_template.jinja").unlink()
    copy.json("tokenizer_config.json", set_item("chat_template", template))
    copy.json("tokenizer.json", set_item("normalizer", {"type": "Sequence", "normalizers": []}))
    assert copy.failed() == {}
    assert "same tokens" in copy.findings()["tokenizer"].found


def test_a_head_that_a_rotation_made_is_no_lost_tie(broken):
    copy = broken("dense")
    copy.json("config.json", set_item("tie_word_embeddings", False))
    other_head(copy)
    assert "tied-weights" not in copy.failed()
    assert copy.findings()["tied-weights"].found.startswith("a head of its own")


def test_a_tie_that_only_the_class_states_is_a_tie(base, tmp_path):
    from tests.methods import tiny

    tiny.checkpoint(tmp_path / "gemma", "gemma")
    shutil.copytree(tmp_path / "gemma", tmp_path / "copy")
    copy = Broken(tmp_path / "copy", tmp_path / "gemma")
    copy.json("config.json", lambda config: config.pop("tie_word_embeddings", None))
    assert copy.failed() == {}
    copy.json("config.json", set_item("tie_word_embeddings", False))
    assert "tied-weights" in copy.failed()


def test_a_padded_vocabulary_is_no_defect(broken):
    copy = broken("dense")
    import torch

    copy.tensors(
        lambda tensors: tensors.__setitem__(
            "model.embed_tokens.weight", torch.cat([tensors["model.embed_tokens.weight"], torch.ones(5, 128)])
        )
    )
    copy.json("config.json", set_item("vocab_size", 264))
    assert copy.failed() == {}


def test_modelopt_s_own_file_declares_its_format_which_has_one_scale_per_tensor(broken):
    copy = broken("fp8-dynamic")
    undeclare(copy)
    declared = {"quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": None, "exclude_modules": ["lm_head"]}}
    (copy.folder / "hf_quant_config.json").write_text(json.dumps({"producer": {"name": "modelopt"}, **declared}))
    finding = copy.findings()["declared-bits"]
    assert finding.status == "fail"
    assert re.search(r"weight_scale is \w+ \[\d+, 1\], the declaration makes it \w+ \[\]", finding.found)
    copy.tensors(lambda tensors: tensors.update({name: tensor.max() for name, tensor in tensors.items() if name.endswith("weight_scale")}))
    assert "it has no input_scale" in copy.failed()["declared-bits"].found
    copy.tensors(
        lambda tensors: tensors.update(
            {
                name.replace("weight_scale", "input_scale"): tensor.clone()
                for name, tensor in tensors.items()
                if name.endswith("weight_scale")
            }
        )
    )
    assert copy.failed() == {}


@pytest.mark.parametrize("name", ["lm_head", "embed_out"])
def test_a_head_is_left_out_under_either_of_its_names_and_missed_under_none(name, broken):
    copy = broken("rtn-w4a16")
    untie(copy)
    copy.base_config(set_item("tie_word_embeddings", False))
    copy.json("config.json", nest("quantization_config", "ignore", [name]))
    assert "declared-bits" not in copy.failed()
    copy.json("config.json", nest("quantization_config", "ignore", []))
    assert copy.failed()["declared-bits"].found == "lm_head is dense, though config.json declares it quantized"


@pytest.mark.parametrize("prefix", ["model.language_model", "language_model.model"])
def test_an_ignored_layer_is_left_out_under_the_name_that_it_has_in_memory(prefix, broken):
    copy = broken("rtn-w4a16")
    dense_layer(copy)
    copy.json("config.json", nest("quantization_config", "ignore", ["lm_head", UP.replace("model", prefix, 1)]))
    assert copy.failed() == {}


def test_static_scales_that_are_stored_pass(broken):
    import torch

    copy = broken("fp8-dynamic")
    make_static(copy)
    copy.json("config.json", nest("quantization_config", "kv_cache_scheme", {"num_bits": 8, "type": "float", "dynamic": False}))

    def change(tensors):
        for name in [name for name in tensors if name.endswith(".weight_scale")]:
            tensors[name.replace("weight_scale", "input_scale")] = torch.ones(1)
        for block in (0, 1):
            tensors |= {f"model.layers.{block}.self_attn.{part}_scale": torch.ones(1) for part in ("k", "v")}

    copy.tensors(change)
    assert copy.failed() == {}


def test_an_unknown_format_is_not_judged_and_says_so(broken):
    copy = broken("dense")
    copy.json("config.json", set_item("quantization_config", {"quant_method": "hqq"}))
    finding = copy.findings()["declared-bits"]
    assert (finding.status, "'hqq' is not known here" in finding.found) == ("not_applicable", True)


@pytest.mark.parametrize("dtype", ["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"])
def test_raw_bytes_are_counted_as_torch_counts_them(dtype, tmp_path):
    import torch
    from safetensors.torch import save_file

    from pytest_unicomp.checkpoints.checks.scan import statistics
    from pytest_unicomp.checkpoints.safetensors_reader import headers

    kinds = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    kind = kinds.get(dtype) or getattr(torch, "float8_e4m3fn" if dtype == "F8_E4M3" else "float8_e5m2")
    raw = np.random.default_rng(0).integers(0, 256, 2**14, dtype=np.uint8)
    tensor = torch.from_numpy(raw).view(kind)
    save_file({"x": tensor}, tmp_path / "x.safetensors")
    found = statistics(headers([tmp_path / "x.safetensors"])["x"])
    numbers = tensor.double()
    infinite = int((~numbers.isfinite()).sum())
    assert (found.elements, found.not_finite) == (numbers.numel(), infinite)
    assert found.zeros == int((numbers == 0).sum())
    below = int((numbers < 0).sum())
    assert below <= found.negative <= below + infinite
    assert infinite > 0 or dtype in ("F32", "F64")
