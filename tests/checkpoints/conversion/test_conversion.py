"""A converted checkpoint is, weight by weight and logit by logit, what the original's format says it is."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints import conversion
from pytest_unicomp.engine.quiet_libraries import quiet_with_captured_output
from tests import packed_formats
from tests.methods import tiny

GPTQ = {
    "4 bits": {"bits": 4, "group": 64},
    "4 bits, asymmetric": {"bits": 4, "group": 64, "symmetric": False},
    "version 2, asymmetric": {"bits": 4, "group": 64, "symmetric": False, "version": 2},
    "2 bits": {"bits": 2, "group": 32, "symmetric": False},
    "3 bits, which cross words": {"bits": 3, "group": 32, "symmetric": False},
    "a last group shorter than the others": {"bits": 4, "group": 96},
    "8 bits, one scale per output": {"bits": 8, "group": -1, "symmetric": False},
}


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return tiny.checkpoint(tmp_path_factory.mktemp("models") / "llama")


def logits(folder):
    import torch

    from pytest_unicomp.engine import load

    engine = load(folder, device="cpu", dtype="float32")
    with torch.no_grad():
        return engine.model(torch.arange(3, 43)[None]).logits.numpy()


def reference(llama, folder, weights):
    """The original model with each packed layer's weight replaced by what it stands for."""
    import shutil

    from safetensors.numpy import load_file, save_file

    shutil.copytree(llama, folder)
    save_file({**load_file(folder / "model.safetensors"), **weights}, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def assert_same_model(llama, tmp_path, source, weights):
    (tmp_path / "converted").mkdir()
    conversion.convert(source, tmp_path / "converted")
    ours, wanted = logits(tmp_path / "converted"), logits(reference(llama, tmp_path / "reference", weights))
    # Act-order layers pass through float16, one rounding of 2^-11.
    np.testing.assert_allclose(ours, wanted, atol=2e-3 * np.abs(wanted).max())
    assert np.abs(wanted - logits(llama)).max() > 20 * np.abs(ours - wanted).max(), "the quantization itself would go unnoticed"


@pytest.mark.parametrize("how", GPTQ.values(), ids=GPTQ)
def test_a_gptq_checkpoint_keeps_its_logits(how, llama, tmp_path):
    weights = packed_formats.write(llama, tmp_path / "gptq", "gptq", **how)
    assert_same_model(llama, tmp_path, tmp_path / "gptq", weights)


def test_act_order_is_followed_and_only_the_permuted_layers_become_dense(llama, tmp_path):
    order = np.random.default_rng(0).permutation(128)
    weights = packed_formats.write(llama, tmp_path / "gptq", "gptq", bits=4, group=64, orders={128: order})
    assert_same_model(llama, tmp_path, tmp_path / "gptq", weights)
    groups = json.loads((tmp_path / "converted" / "config.json").read_text())["quantization_config"]["config_groups"]
    targets = [name for group in groups.values() for name in group["targets"]]
    assert targets == [f"model.layers.{layer}.mlp.down_proj" for layer in (0, 1)]


def test_where_all_layers_are_permuted_the_result_is_a_dense_checkpoint(llama, tmp_path):
    draw = np.random.default_rng(0)
    orders = {size: draw.permutation(size) for size in (128, 256)}
    weights = packed_formats.write(llama, tmp_path / "gptq", "gptq", bits=4, group=64, symmetric=False, orders=orders)
    assert_same_model(llama, tmp_path, tmp_path / "gptq", weights)
    assert "quantization_config" not in json.loads((tmp_path / "converted" / "config.json").read_text())


def test_an_autoawq_checkpoint_keeps_its_logits(llama, tmp_path):
    weights = packed_formats.write(llama, tmp_path / "awq", "awq", group=64)
    assert_same_model(llama, tmp_path, tmp_path / "awq", weights)


def test_the_formats_written_here_are_those_that_autoawq_unpacks():
    pytest.importorskip("awq")
    import torch
    from awq.utils.packing_utils import dequantize_gemm

    layer = packed_formats.awq_layer(np.random.default_rng(0).normal(size=(64, 128)).astype(np.float32), group=64)
    parts = {name: torch.from_numpy(part) for name, part in layer.tensors.items()}
    theirs = dequantize_gemm(parts["qweight"], parts["qzeros"], parts["scales"], 4, 64).T.float().numpy()
    # AutoAWQ multiplies in float16.
    np.testing.assert_allclose(theirs, layer.weight, rtol=2**-10)


def test_mixed_bits_of_gptqmodel_s_dynamic_rules_are_each_unpacked_as_they_are(llama, tmp_path):
    from safetensors.numpy import load_file, save_file

    rules = {"config": {"dynamic": {r"+:.*\.down_proj": {"bits": 8, "group_size": 32}}}}
    weights = packed_formats.write(llama, tmp_path / "gptq", "gptq", bits=4, group=64, **rules)
    dense, held = load_file(llama / "model.safetensors"), load_file(tmp_path / "gptq" / "model.safetensors")
    for name in [name for name in weights if "down_proj" in name]:
        layer = packed_formats.gptq_layer(dense[name], bits=8, group=32)
        weights[name] = layer.weight
        held |= {name.replace("weight", kind): part for kind, part in layer.tensors.items()}
    save_file(held, tmp_path / "gptq" / "model.safetensors", metadata={"format": "pt"})
    assert_same_model(llama, tmp_path, tmp_path / "gptq", weights)


def test_an_old_checkpoint_with_names_of_its_own_is_found(llama, tmp_path):
    folder = tmp_path / "old"
    weights = packed_formats.write(llama, folder, "gptq", bits=4, group=64)
    content = json.loads((folder / "config.json").read_text())
    quantization = content.pop("quantization_config")
    (folder / "config.json").write_text(json.dumps(content))
    (folder / "quantize_config.json").write_text(json.dumps({key: quantization[key] for key in ("bits", "group_size", "desc_act", "sym")}))
    (folder / "model.safetensors").rename(folder / "gptq_model-4bit-64g.safetensors")
    assert conversion.needed(folder) == "gptq"
    assert_same_model(llama, tmp_path, folder, weights)


def test_shards_that_part_a_layer_are_read_together(llama, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "gptq"
    weights = packed_formats.write(llama, folder, "gptq", bits=4, group=64, symmetric=False)
    held = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    parts = {"model-00001-of-00002.safetensors": {}, "model-00002-of-00002.safetensors": {}}
    for name, tensor in held.items():
        parts[
            "model-00002-of-00002.safetensors" if name.endswith(("scales", "g_idx", "norm.weight")) else "model-00001-of-00002.safetensors"
        ][name] = tensor
    for file, tensors in parts.items():
        save_file(tensors, folder / file, metadata={"format": "pt"})
    weight_map = {name: file for file, tensors in parts.items() for name in tensors}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    assert_same_model(llama, tmp_path, folder, weights)


def test_code_and_pickles_stay_behind_and_the_terminal_stays_clean(llama, tmp_path, capfd):
    packed_formats.write(llama, tmp_path / "gptq", "gptq", bits=4, group=64)
    (tmp_path / "gptq" / "modeling.py").write_text("raise SystemExit")
    (tmp_path / "gptq" / "optimizer.pt").write_bytes(b"\x80")
    (tmp_path / "converted").mkdir()
    with quiet_with_captured_output():
        conversion.convert(tmp_path / "gptq", tmp_path / "converted")
    names = {file.name for file in (tmp_path / "converted").iterdir()}
    assert {"modeling.py", "optimizer.pt"} & names == set()
    assert {"tokenizer.json", "chat_template.jinja", "generation_config.json"} <= names
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("method", "config", "words"),
    [
        ("gptq", {"checkpoint_format": "marlin"}, "packing 'marlin' is not known here"),
        ("gptq", {"bits": 5}, "names 5 bits"),
        ("gptq", {"bits": 8}, "is not what config.json declares"),
        ("gptq", {"group_size": 32}, "is not what config.json declares"),
        ("awq", {"version": "gemv"}, "packing 'gemv' is not known here"),
        ("awq", {"group_size": -1}, "is not what config.json declares"),
    ],
)
def test_what_cannot_be_converted_is_refused_before_any_work(method, config, words, llama, tmp_path):
    how = {"group": 64} if method == "awq" else {"bits": 4, "group": 64}
    packed_formats.write(llama, tmp_path / "other", method, **how, config=config)
    with pytest.raises(UsageProblem, match=words):
        conversion.require_convertible(tmp_path / "other")


def test_an_index_that_names_no_group_is_refused(llama, tmp_path):
    from safetensors.numpy import load_file, save_file

    packed_formats.write(llama, tmp_path / "gptq", "gptq", bits=4, group=64)
    held = load_file(tmp_path / "gptq" / "model.safetensors")
    held["model.layers.0.mlp.up_proj.g_idx"][5] = 2
    save_file(held, tmp_path / "gptq" / "model.safetensors")
    with pytest.raises(UsageProblem, match="g_idx names groups 0 to 2, there are 2"):
        conversion.require_convertible(tmp_path / "gptq")


def test_other_checkpoints_need_no_conversion(llama, tmp_path):
    assert conversion.needed(llama) is None
    assert conversion.needed(tiny.run("rtn-w4a16", llama, tmp_path / "rtn")) is None


@settings(max_examples=40, deadline=None)
@given(
    bits=st.sampled_from([2, 3, 4, 8]),
    groups=st.integers(1, 4),
    words=st.integers(1, 3),
    version=st.sampled_from([1, 2]),
    permuted=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_code_and_zero_point_survives_the_way_into_the_other_format(bits, groups, words, version, permuted, seed):
    import torch
    from compressed_tensors.compressors.pack_quantized.helpers import unpack_from_int32

    from pytest_unicomp.checkpoints.conversion.gptq import Layout, dense, packed

    draw = np.random.default_rng(seed)
    inputs, outputs, group = 32 * groups, 32 * words, 32
    codes = draw.integers(0, 2**bits, (outputs, inputs))
    points = draw.integers(0 if version == 2 else 1, 2**bits, (groups, outputs))
    scales = draw.uniform(0.01, 1, (groups, outputs)).astype(np.float16)
    index = np.arange(inputs) // group
    index = draw.permutation(index) if permuted else index
    parts = {
        "qweight": packed_formats.stream(codes, bits).T.copy(),
        "qzeros": packed_formats.stream(points - (1 if version == 1 else 0), bits),
        "scales": scales,
        "g_idx": index.astype(np.int32),
    }
    tensors = {name: torch.from_numpy(part) for name, part in parts.items()}
    wanted = packed_formats.meant(codes, points, scales, index)
    if permuted:
        weight = dense(tensors, Layout(bits, inputs, group, dense=True), version)["weight"]
        np.testing.assert_array_equal(weight.numpy(), wanted.astype(np.float16))
    else:
        new = packed(tensors, Layout(bits, inputs, group, dense=False), version)
        middle = 2 ** (bits - 1)
        np.testing.assert_array_equal(unpack_from_int32(new["weight_packed"], bits, (outputs, inputs)).numpy().astype(int) + middle, codes)
        found = unpack_from_int32(new["weight_zero_point"], bits, (outputs, groups), packed_dim=0).numpy()
        np.testing.assert_array_equal(found.astype(int) + middle, points.T)
