"""Configurations are equal if transformers computes the same from them: over every causal language model that it has."""

import copy
import json
from itertools import islice

import pytest

from pytest_unicomp.checkpoints.configuration import Unresolved, compare, compare_as_written

EPSILONS = ("rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_eps", "norm_epsilon", "layernorm_epsilon")
ACTIVATIONS = ("hidden_act", "activation_function", "hidden_activation", "mlp_hidden_act")
HEADS = ("num_attention_heads", "n_head", "num_heads", "n_heads")


def model_types():
    from huggingface_hub.errors import StrictDataclassError
    from transformers import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    for name in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        try:
            yield name, CONFIG_MAPPING[name]()
        except StrictDataclassError:  # a class without defaults, which is made of others
            continue


def saved(config, **changes):
    """Return what transformers 5 writes as config.json."""
    return {**json.loads(config.to_json_string()), "model_type": config.model_type, **changes}


def before_5(written, full):
    """Return the same as repositories of transformers 4 have it: rotary settings beside the others, no layer types."""
    stated, rotary = copy.deepcopy(written), copy.deepcopy(full.get("rope_parameters"))
    stated["transformers_version"] = "4.45.0"
    if not rotary:
        return stated
    stated.pop("rope_parameters", None)
    if any(isinstance(value, dict) for value in rotary.values()):
        if written["model_type"] == "gemma3_text":
            stated |= {
                "rope_theta": rotary["full_attention"]["rope_theta"],
                "rope_local_base_freq": rotary["sliding_attention"]["rope_theta"],
            }
        else:
            stated["rope_parameters"] = rotary
        return stated
    neox = written["model_type"].startswith("gpt_neox")
    kind = rotary.pop("rope_type", "default")
    for new, old in (("rope_theta", "rotary_emb_base"), ("partial_rotary_factor", "rotary_pct")):
        if new in rotary:
            stated[old if neox else new] = rotary.pop(new)
    stated["rope_scaling"] = None if kind == "default" else {"type": kind, **rotary}
    return stated


def halved_window(full):
    width, context, kinds = full.get("sliding_window"), full.get("max_position_embeddings"), full.get("layer_types")
    if not width or (context and width // 2 >= context) or (kinds and "sliding_attention" not in kinds):
        return {}
    return {"sliding_window": width // 2}


def other_base(full):
    rotary = copy.deepcopy(full.get("rope_parameters"))
    layer = next((value for value in rotary.values() if isinstance(value, dict)), rotary) if rotary else {}
    if not layer.get("rope_theta"):
        return {}
    layer["rope_theta"] *= 2
    return {"rope_parameters": rotary}


def other_share(full):
    rotary = full.get("rope_parameters")
    if not rotary or any(isinstance(value, dict) for value in rotary.values()):
        return {}
    return {"rope_parameters": {**rotary, "partial_rotary_factor": rotary.get("partial_rotary_factor", 1.0) / 2}}


def first_of(names, change):
    def changed(full):
        name = next((name for name in names if isinstance(full.get(name), str | int | float)), None)
        return {} if name is None else {name: change(full[name])}

    return changed


CHANGES = {
    "rotary base": other_base,
    "share of a head that is rotated": other_share,
    "window in use": halved_window,
    "epsilon of a norm": first_of(EPSILONS, lambda value: value * 10),
    "activation": first_of(ACTIVATIONS, lambda value: "relu" if value != "relu" else "silu"),
    "heads": first_of(HEADS, lambda value: value // 2),
}
# Their code in transformers has the value written in, whatever the configuration says.
NOT_READ = {
    ("biogpt", "epsilon of a norm"),
    ("gpt_oss", "activation"),
    ("minimax_m3_vl_text", "activation"),
}


def found(changed, written):
    """True if they differ, or if the class refuses the changed one because its settings contradict each other."""
    try:
        return compare(changed, written).differences != ()
    except Unresolved:
        return True


def test_every_causal_language_model_is_equal_to_itself_as_transformers_4_spelled_it():
    tried, differing = 0, {}
    for name, config in model_types():
        written = saved(config)
        full = config.to_dict()
        found = compare(written, before_5(written, full))
        tried += 1
        if found.differences:
            differing[name] = found.differences
    assert differing == {}
    assert tried >= 60


def test_what_really_computes_something_else_is_found_in_every_causal_language_model():
    tried, overlooked = dict.fromkeys(CHANGES, 0), []
    # Every second one, for time.
    for name, config in islice(model_types(), 0, None, 2):
        if config is not config.get_text_config(decoder=True):
            continue
        written, full = saved(config), config.to_dict()
        for change, changed in CHANGES.items():
            changes = changed(full)
            if not changes or (name, change) in NOT_READ:
                continue
            tried[change] += 1
            if not found({**written, **changes}, written):
                overlooked.append((name, change))
    assert overlooked == []
    assert min(tried.values()) >= 8
    assert tried["epsilon of a norm"] >= 60


def gemma(**changes):
    return {"model_type": "gemma2", "num_hidden_layers": 4, "hidden_size": 64, "num_attention_heads": 4, "head_dim": 16, **changes}


def qwen(**changes):
    return {"model_type": "qwen2", "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, **changes}


def llama(**changes):
    return {"model_type": "llama", "num_hidden_layers": 4, "hidden_size": 64, "num_attention_heads": 4, **changes}


YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 512}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (qwen(sliding_window=512, use_sliding_window=False), qwen(sliding_window=None, use_sliding_window=False)),
        (llama(rms_norm_eps=1e-05), llama(rms_norm_eps=9.999999747378752e-06)),
        (llama(num_key_value_heads=None), llama(num_key_value_heads=4, head_dim=16)),
        (llama(hidden_act="silu"), llama(hidden_act="swish")),
        (gemma(hidden_activation="gelu_pytorch_tanh"), gemma(hidden_activation="gelu_new")),
        (llama(something="left behind by a tool"), llama(something="else")),
        (llama(rope_scaling={"type": "linear", "factor": 1.0}), llama(rope_theta=10000.0)),
        (llama(rope_scaling=YARN), llama(rope_parameters={**YARN, "rope_theta": 10000.0, "attention_factor": None})),
        (llama(attention_dropout=0.1, use_cache=False), llama(use_cache=True)),
        (qwen(model_type="mistral", sliding_window=4096, max_position_embeddings=2048), qwen(model_type="mistral", sliding_window=None, max_position_embeddings=2048)),
    ],
)  # fmt: skip
def test_two_spellings_of_one_computation_are_equal(one, other):
    assert compare(one, other).differences == ()


@pytest.mark.parametrize(
    ("one", "other", "named"),
    [
        (qwen(sliding_window=64, use_sliding_window=True, max_window_layers=0), qwen(sliding_window=64), "layer_types"),
        (gemma(final_logit_softcapping=None), gemma(final_logit_softcapping=30.0), "final_logit_softcapping"),
        (gemma(layer_types=["full_attention"] * 4), gemma(), "layer_types"),
        (llama(rope_scaling=YARN), llama(), "rotary embeddings"),
        (llama(rope_scaling=YARN), llama(rope_scaling={**YARN, "factor": 8.0}), "rotary embeddings"),
        (llama(attention_bias=True), llama(), "attention_bias"),
        (llama(hidden_act="gelu"), llama(hidden_act="gelu_new"), "hidden_act"),
        (qwen(model_type="mistral", sliding_window=512), qwen(model_type="mistral", sliding_window=None), "sliding_window"),
    ],
)
def test_two_computations_are_told_apart(one, other, named):
    found = compare(one, other).differences
    assert [difference for difference in found if difference.startswith(named)], found


def test_a_student_with_fewer_layers_has_the_kinds_of_layers_that_the_base_has():
    assert compare(gemma(num_hidden_layers=2), gemma(), sizes=False).differences == ()
    assert compare(gemma(num_hidden_layers=2), gemma()).differences == ("num_hidden_layers is 2, the base has 4",)
    other = gemma(num_hidden_layers=2, layer_types=["chunked_attention"] * 2)
    assert compare(other, gemma(), sizes=False).differences != ()


def test_a_model_that_transformers_has_not_is_compared_as_it_is_written():
    one, other = {"model_type": "mine", "rotary": 1, "hidden_size": 4, "eps": 1e-5}, {"model_type": "mine", "rotary": 2, "hidden_size": 8}
    with pytest.raises(Unresolved, match="has no model_type 'mine'"):
        compare(one, other)
    assert compare_as_written(one, other).differences == ("rotary is 1, the base has 2",)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (llama(num_hidden_layers=10**9), "num_hidden_layers is 1000000000, more than 4096"),
        (llama(hidden_size="wide"), "transformers refuses it as llama: "),
        ({}, "no model_type None"),
    ],
)
def test_a_configuration_that_no_class_takes_is_refused_with_the_reason(config, reason):
    with pytest.raises(Unresolved, match=reason):
        compare(config, llama())


def test_a_configuration_is_left_as_it_was():
    config = llama(rope_scaling={"type": "linear", "factor": 2.0}, text={"a": [1]})
    before = copy.deepcopy(config)
    compare(config, llama())
    assert config == before
