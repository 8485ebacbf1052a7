from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.checkpoints.safetensors_reader import block_sparsity, headers, logical_parameters, weight_files


def safetensors(file: Path, tensors: dict[str, tuple[str, list[int], bytes]]) -> Path:
    """Write a safetensors file by hand: name -> dtype, shape, bytes."""
    header, data = {}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return file


def folder(path: Path, **config: object) -> Path:
    """A checkpoint of a 2 x 4 decoder weight (three zeros, one of them negative), an embedding and a norm, in float16."""
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps({"model_type": "llama", **config}))
    weight = np.array([[1, 0, 2, -0.0], [0, 3, 4, 5]], dtype=np.float16).tobytes()
    safetensors(
        path / "model.safetensors",
        {
            "model.embed_tokens.weight": ("F16", [3, 4], bytes(24)),
            "model.layers.0.mlp.up_proj.weight": ("F16", [2, 4], weight),
            "model.layers.0.norm.weight": ("F16", [4], bytes(8)),
        },
    )
    return path


def test_facts_count_parameters_bytes_and_zeros_of_decoder_matrices(tmp_path: Path) -> None:
    found = hub.facts(folder(tmp_path / "model"))
    assert (found.parameters, found.sparsity, found.quantization) == (24, 3 / 8, "none")
    assert found.bytes == (tmp_path / "model" / "model.safetensors").stat().st_size
    assert found.bits_per_weight == pytest.approx(8 * found.bytes / 24)


def test_parameters_alone_are_counted_from_headers(tmp_path: Path) -> None:
    model = folder(tmp_path / "model")
    assert hub.count_parameters(model) == hub.facts(model).parameters == 24


def test_tied_embeddings_are_counted_once_even_where_they_are_stored_twice(tmp_path: Path) -> None:
    file = safetensors(
        tmp_path / "model.safetensors",
        {"model.embed_tokens.weight": ("F32", [3, 2], bytes(24)), "lm_head.weight": ("F32", [3, 2], bytes(24))},
    )
    assert logical_parameters(headers([file]), {"tie_word_embeddings": True}) == 6
    assert logical_parameters(headers([file]), {"tie_word_embeddings": False}) == 12


@pytest.mark.parametrize("header", ["[]", '{"a": 1}', '{"a": {"dtype": "F32", "shape": [1]}}', '{"a": null}', "{"])
def test_a_header_that_is_none_is_said_in_one_line(header: str, tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header.encode())
    with pytest.raises(
        UsageProblem, match=r"model\.safetensors is not a readable safetensors file \(.+\); download or convert it again\.$"
    ):
        headers([file])


def packed(codes: np.ndarray, bits: int) -> bytes:
    """Pack each row of codes as one stream of bits, lowest first, into whole 32-bit words."""
    rows = []
    for row in codes:
        number = sum(int(code) << (bits * place) for place, code in enumerate(row))
        words = -(-bits * len(row) // 32)
        rows.append(number.to_bytes(4 * words, "little"))
    return b"".join(rows)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_packed_integers_are_zero_where_they_stand_for_zero(bits: int, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(-(2 ** (bits - 1)), 2 ** (bits - 1), size=(5, 48))
    words = -(-bits * 48 // 32)
    file = safetensors(
        tmp_path / "model.safetensors",
        {
            "model.layers.0.q.weight_packed": ("I32", [5, words], packed(values + 2 ** (bits - 1), bits)),
            "model.layers.0.q.weight_shape": ("I64", [2], np.array([5, 48], dtype="<i8").tobytes()),
            "model.layers.0.q.weight_scale": ("F32", [5, 1], bytes(20)),
        },
    )
    assert block_sparsity(headers([file]), {}) == pytest.approx((values == 0).mean())
    assert logical_parameters(headers([file]), {}) == 240


def test_with_packed_zero_points_zero_is_the_group_s_own_code(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    codes, points = draw.integers(0, 16, size=(8, 32)), draw.integers(0, 16, size=(8, 2))
    file = safetensors(
        tmp_path / "model.safetensors",
        {
            "model.layers.0.q.weight_packed": ("I32", [8, 4], packed(codes, 4)),
            "model.layers.0.q.weight_shape": ("I64", [2], np.array([8, 32], dtype="<i8").tobytes()),
            "model.layers.0.q.weight_zero_point": ("I32", [1, 2], packed(points.T, 4)),
        },
    )
    assert block_sparsity(headers([file]), {}) == pytest.approx((codes == np.repeat(points, 16, axis=1)).mean())


def test_awq_and_gptq_files_count_unpacked_parameters(tmp_path: Path) -> None:
    file = safetensors(
        tmp_path / "model.safetensors",
        {"model.layers.0.q.qweight": ("I32", [16, 2], bytes(128)), "model.layers.0.q.scales": ("F16", [1, 16], bytes(32))},
    )
    assert logical_parameters(headers([file]), {"quantization_config": {"bits": 4}}) == 256


def test_the_fingerprint_ignores_times_and_notes_and_sees_every_file_that_matters(tmp_path: Path) -> None:
    model = folder(tmp_path / "model")
    for name in ("tokenizer.json", "chat_template.jinja"):
        (model / name).write_text("first")
    before = hub.fingerprint(model)
    os.utime(model / "config.json", (1, 1))
    (model / "README.md").write_text("notes")
    (model / "recipe.yaml").write_text("notes")
    assert hub.fingerprint(model) == before
    for name in ("tokenizer.json", "chat_template.jinja", "config.json", "model.safetensors"):
        kept = (model / name).read_bytes()
        (model / name).write_bytes(kept + b" ")
        assert hub.fingerprint(model) != before, name
        (model / name).write_bytes(kept)
    assert hub.fingerprint(model) == before


def test_a_folder_and_a_model_of_the_bundle_resolve_to_their_folders(tmp_path: Path) -> None:
    here, bundled = folder(tmp_path / "here"), folder(tmp_path / "bundle" / "org" / "name")
    assert hub.resolve(str(here), None) == here
    assert hub.resolve("org/name", tmp_path / "bundle") == bundled
    assert hub.local("nano", None) == hub.NANO


def test_only_the_shards_that_the_index_names_count(tmp_path: Path) -> None:
    model = folder(tmp_path / "model")
    safetensors(model / "stray.safetensors", {"x": ("F32", [100], bytes(400))})
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "model.safetensors"}}))
    assert hub.facts(model).parameters == 24


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    model = folder(tmp_path / "model")
    (model / "model.safetensors").unlink()
    (model / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(UsageProblem, match=r"found pytorch_model\.bin, a pickle.*safetensors only"):
        hub.resolve(str(model), None)


def test_a_damaged_weight_file_is_named(tmp_path: Path) -> None:
    model = folder(tmp_path / "model")
    file = model / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(UsageProblem, match=r"model\.safetensors is cut short"):
        hub.facts(model)
    file.write_bytes(b"not at all")
    with pytest.raises(UsageProblem, match="not a readable safetensors file"):
        hub.facts(model)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("./nowhere", "does not exist"),
        ("/nowhere/at/all", "does not exist"),
        ("out/models/mine", "does not exist"),
        ("has blanks", "neither `nano`, `smollm2`, an existing folder nor a hub id"),
    ],
)
def test_a_name_that_can_be_no_model_is_refused_at_once(name: str, message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        hub.validate(name, None)


def test_a_hub_id_passes_validation_without_being_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []
    monkeypatch.setattr(hub, "_fetch", lambda name: fetched.append(name))
    hub.validate("org/name", None)
    assert fetched == []


def test_the_weights_are_the_files_that_transformers_loads(tmp_path: Path) -> None:
    def found() -> list[str]:
        return [str(file.relative_to(tmp_path)) for file in weight_files(tmp_path)]

    for name in ("b.safetensors", "a.safetensors"):
        (tmp_path / name).touch()
    assert found() == ["a.safetensors", "b.safetensors"]
    (tmp_path / "model.safetensors.index.json").write_text(
        '{"weight_map": {"x": "sub/2.safetensors", "y": "b.safetensors", "z": "b.safetensors"}}'
    )
    assert found() == ["b.safetensors", "sub/2.safetensors"]
    (tmp_path / "model.safetensors").touch()
    assert found() == ["model.safetensors"]


@pytest.mark.parametrize("name", ["../a.safetensors", "/a.safetensors", "sub/../../a.safetensors"])
def test_an_index_that_leads_out_of_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"x": name}}))
    with pytest.raises(UsageProblem, match=r"names .*a\.safetensors, outside its folder"):
        weight_files(tmp_path)


def test_with_a_bundle_a_missing_model_is_a_usage_problem(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="the bundle has no model org/name"):
        hub.validate("org/name", tmp_path)


def test_a_folder_without_configuration_or_with_code_of_its_own_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageProblem, match=r"holds no config\.json"):
        hub.validate(str(tmp_path / "empty"), None)
    with pytest.raises(UsageProblem, match="wants to run its own code"):
        hub.validate(str(folder(tmp_path / "custom", model_type="mine", auto_map={"AutoModel": "x.Y"})), None)


def test_code_beside_an_architecture_that_transformers_has_is_no_obstacle(tmp_path: Path) -> None:
    model = folder(tmp_path / "phi3", model_type="phi3", auto_map={"AutoConfig": "configuration_phi3.Phi3Config"})
    (model / "configuration_phi3.py").write_text("raise SystemExit")
    assert hub.resolve(str(model), None) == model
