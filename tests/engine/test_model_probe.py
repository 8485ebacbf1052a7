"""What is found out about a model by trying: how it is read, and whether texts are written by us or by lm-eval's own code."""

from types import SimpleNamespace

import pytest
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from pytest_unicomp.engine.lm import make
from pytest_unicomp.engine.memory_estimate import bytes_per_token
from tests.engine.toy_models import ARCHITECTURES, model, tokenizer

PROMPTS = ["one", "two words", "a longer prompt of several words", "x" * 40]


def texts(lm):
    settings = {"until": [], "max_gen_toks": 12, "do_sample": False}
    return lm.generate_until([Instance("generate_until", {}, (prompt, dict(settings)), 0) for prompt in PROMPTS], disable_tqdm=True)


def plain(lm, batch_size):
    return HFLM(pretrained=lm.model, tokenizer=lm.tokenizer, batch_size=batch_size, backend="causal")


@pytest.mark.parametrize("architecture", [*ARCHITECTURES, "mistral", "gpt2", "bloom"])
def test_texts_are_written_by_us_where_a_model_keeps_keys_and_values(architecture):
    sizes = {"gpt2": {"n_embd": 32, "n_head": 4, "n_layer": 2}, "bloom": {"n_head": 4}}
    assert make(model(architecture, **sizes.get(architecture, {})), tokenizer()).support.written


def test_a_model_without_a_cache_is_written_by_lm_evals_own_code_and_says_so(caplog):
    lm = make(model("openai-gpt", n_embd=32, n_head=4, n_layer=2, n_positions=256), tokenizer())
    assert texts(lm) == texts(plain(lm, 64))
    assert not lm.support.written
    assert "OpenAIGPTLMHeadModel writes texts by lm-eval's own code" in caplog.text


def test_a_model_that_says_something_else_beside_other_rows_is_written_by_lm_evals_own_code(monkeypatch, caplog):
    llama = model("llama")
    forward = llama.forward
    monkeypatch.setattr(llama, "forward", lambda *arguments, attention_mask=None, **settings: forward(*arguments, **settings))
    lm = make(llama, tokenizer())
    assert not lm.support.written
    assert "beside other rows" in caplog.text


def gemma3n():
    """Each of its layers has a size of its own."""
    return model.__wrapped__(
        "gemma3n_text",
        num_hidden_layers=5,
        layer_types=["sliding_attention"] * 4 + ["full_attention"],
        num_kv_shared_layers=0,
        sliding_window=64,
        vocab_size_per_layer_input=280,
        hidden_size_per_layer_input=8,
        laurel_rank=4,
        activation_sparsity_pattern=None,
    )


def test_layers_of_their_own_sizes_are_no_reason_to_read_plainly():
    lm = make(gemma3n(), tokenizer())
    assert isinstance(lm.model.config.intermediate_size, list)
    assert (lm.support.reason, lm.support.window) == (None, 64)
    assert texts(lm) == texts(plain(lm, 1))
    pairs = [Instance("loglikelihood", {}, ("one", rest), 0) for rest in (" two", " the other", " on")]
    theirs = plain(lm, 1).loglikelihood(pairs, disable_tqdm=True)
    assert [value for value, _ in lm.loglikelihood(pairs, disable_tqdm=True)] == pytest.approx([value for value, _ in theirs], abs=1e-3)


@pytest.mark.parametrize(
    "says",
    [
        {},
        {"hidden_size": None, "num_attention_heads": None},
        {"hidden_size": 64, "num_attention_heads": [4, 8], "num_key_value_heads": [1, None, 2], "intermediate_size": "many"},
        {"hidden_size": 0, "num_attention_heads": 0, "head_dim": 0, "num_hidden_layers": 0},
    ],
)
def test_sizes_are_estimated_whatever_a_configuration_says(says):
    import torch

    config = SimpleNamespace(**says)
    config.get_text_config = lambda: config
    found = bytes_per_token(SimpleNamespace(config=config, dtype=torch.float32))
    assert min(found.activations, found.keys, found.number) > 0


def test_the_largest_layer_counts():
    import torch

    config = SimpleNamespace(
        hidden_size=64, num_attention_heads=4, num_key_value_heads=[1, 2], intermediate_size=[10, 30], num_hidden_layers=2
    )
    config.get_text_config = lambda: config
    found = bytes_per_token(SimpleNamespace(config=config, dtype=torch.float32))
    assert (found.activations, found.keys) == (4 * (3 * 30 + 8 * 64), 2 * 4 * 2 * 2 * 16)


def test_sizes_that_only_single_layers_have_are_no_error():
    import torch

    class Config:
        hidden_size = 64

        def get_text_config(self):
            return self

        def __getattr__(self, name):
            raise RuntimeError(f"{name} differs from layer to layer")

    assert bytes_per_token(SimpleNamespace(config=Config(), dtype=torch.float32)).activations == 4 * (3 * 4 * 64 + 8 * 64)


def test_a_model_that_forgets_the_order_of_a_piece_is_read_plainly():
    # Moshi's mask is missing where none is given: the tokens of a piece behind others see each other's future.
    import torch
    from transformers import MoshiConfig, MoshiForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "ffn_dim": 48, "max_position_embeddings": 256}
    ids = {"eos_token_id": 266, "bos_token_id": 267, "pad_token_id": 268}
    config = MoshiConfig(vocab_size=280, audio_encoder_config={"model_type": "mimi"}, **sizes, **ids)
    one = MoshiForCausalLM(config).eval()
    for parameter in one.parameters():
        parameter.data.mul_(3)
    lm = make(one, tokenizer())
    assert lm.support.window == 0
    assert lm.support.reason is not None
