"""Recipes defined as data: what may be written, and what is refused with the line that helps."""

from __future__ import annotations

import re
import tomllib

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.registry import methods
from pytest_unicomp.config.toml_lines import TomlLocations
from pytest_unicomp.engine.loading import load
from pytest_unicomp.methods import configured
from pytest_unicomp.methods.gptq import Gptq
from pytest_unicomp.methods.rtn import RoundToNearest
from pytest_unicomp.methods.wanda import Wanda
from tests.methods import tiny


def test_a_table_of_settings_becomes_the_method_with_its_other_settings_unchanged():
    table = configured.table({"rtn-w2": {"method": "rtn", "bits": 2, "group": 64}, "half-damped": {"method": "gptq", "dampening": 1}})
    assert table["rtn-w2"] == RoundToNearest(bits=2, group=64)
    assert table["half-damped"] == Gptq(dampening=1)
    assert "wanda-50" in table


def test_a_list_of_steps_is_applied_in_order_and_takes_family_and_libraries_from_them():
    made = configured.table({"both": [{"method": "wanda", "sparsity": 0.3}, "rtn-w4a16"]})["both"]
    assert made.steps == (Wanda(sparsity=0.3), RoundToNearest(bits=4))
    assert (made.family, made.calibrated) == ("quantization", True)
    assert set(made.requires) == {"llmcompressor", "transformers", "compressed_tensors"}
    assert [step["method"] for step in made.settings()["steps"]] == ["wanda", "rtn"]


def test_a_step_may_be_a_definition_that_comes_before():
    table = configured.table({"a-little": {"method": "wanda", "sparsity": 0.1}, "both": ["a-little", "rtn-w8a16"]})
    assert table["both"].steps[0] == Wanda(sparsity=0.1)


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ({"method": "gtpq"}, ["method 'gtpq'", "'gptq'"]),
        ({"bits": 4}, ["names no method"]),
        ({"metod": "gptq"}, ["names no method", "'metod' is no setting of any method. Did you mean 'method'"]),
        ({"method": "rtn", "bit": 4}, ["no setting 'bit'", "'bits'"]),
        ({"method": "rtn", "bits": "4"}, ["bits is '4'", "int"]),
        ({"method": "rtn", "bits": True}, ["bits is True", "int"]),
        ("rtn-w4a16", ["'rtn-w4a16'", "expected a table"]),
        (["wanda-50"], ["two or more steps"]),
        (["wanda-50", "gtpq-w4a16"], ["no recipe named 'gtpq-w4a16'", "'gptq-w4a16'"]),
        (["rtn-w4a16", "wanda-50"], ["step 2", "after a quantization"]),
        (["dense", "wanda-50"], ["step 1", "'dense'"]),
        (["wanda-50", 4], ["step 2 is 4"]),
    ],
)
def test_a_wrong_definition_is_refused_with_what_was_found_and_what_was_expected(definition, words):
    with pytest.raises(UsageProblem) as caught:
        configured.table({"mine": definition})
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[recipes.mine]\nmethod = 'rtn'\nbit = 2\n", 3),
        ("[recipes.mine]\nmethod = 'rtn'\nbits = '2'\n", 3),
        ("[recipes.mine]\nbits = 2\nmethod = 'rnt'\n", 3),
        ("[recipes]\n\nmine = 3\n", 3),
        ("[recipes]\nwanda-50 = { method = 'rtn' }\n", 2),
        ("[recipes]\nmine = [\n'wanda-50',\n{ method = 'rtn', bit = 2 }]\n", 4),
        ("[recipes]\nmine = [\n'wanda-50',\n'rtn']\n", 4),
        ("[recipes]\nmine = [\n'rtn-w4a16',\n'wanda-50']\n", 4),
    ],
)
def test_a_wrong_definition_is_refused_with_its_file_and_line(text, line):
    with pytest.raises(UsageProblem, match=rf"^unicomp: unicomp\.toml:{line}: recipes\..*: "):
        configured.table(tomllib.loads(text)["recipes"], TomlLocations("unicomp.toml", text))


def test_a_definition_cannot_replace_a_recipe_nor_leave_the_folder_of_baselines():
    with pytest.raises(UsageProblem, match="exists already"):
        configured.table({"wanda-50": {"method": "rtn"}})
    with pytest.raises(UsageProblem, match=re.escape("'../mine'")):
        configured.table({"../mine": {"method": "rtn"}})


@pytest.mark.parametrize("second", ["rtn-w4a16", "gptq-w4a16", "awq-w4a16", "smoothquant-w8a8"])
def test_quantizing_what_was_pruned_keeps_every_zero(tmp_path, second):
    source = tiny.checkpoint(tmp_path / "source")
    made = configured.table({"both": ["wanda-50", second]})["both"]
    first = tiny.run("wanda-50", source, tmp_path / "pruned", tiny.calibration())
    both = tiny.run(made, source, tmp_path / "both", tiny.calibration())
    pruned, final = (load(folder, device="cpu", dtype="float32").model.state_dict() for folder in (first, both))
    name = "model.layers.0.mlp.down_proj.weight"
    zeros = pruned[name] == 0
    assert zeros.float().mean() == pytest.approx(0.5, abs=0.01)
    assert bool((final[name][zeros] == 0).all())
    assert not bool((final[name] == pruned[name]).all())


def test_a_composition_that_was_killed_goes_on_with_the_step_it_was_in(tmp_path):
    source = tiny.checkpoint(tmp_path / "source")
    scratch, said = tmp_path / "scratch", []
    made = configured.table({"both": ["magnitude-50", "rtn-w8a16"]})["both"]

    def run(name, progress):
        (tmp_path / name).mkdir()
        made.compress(tiny.job(source, tmp_path / name, progress=progress, scratch=scratch))

    def kill(message):
        if message.startswith("rtn"):
            raise KeyboardInterrupt

    scratch.mkdir()
    with pytest.raises(KeyboardInterrupt):
        run("killed", kill)
    run("resumed", said.append)
    assert said
    assert all(message.startswith("rtn") for message in said)
    undisturbed = tiny.run(made, source, tmp_path / "undisturbed")
    assert tiny.contents(tmp_path / "resumed") == tiny.contents(undisturbed)


def test_the_recipes_of_this_folder_are_the_registrys_and_its_own_and_a_wrong_one_has_its_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "unicomp.toml"
    file.write_text("[recipes]\nmine = { method = 'rtn', bits = 2 }\n", encoding="utf-8")
    assert [*configured.here()] == [*methods(), "mine"]
    file.write_text("[recipes]\nmine = { method = 'rtn', bit = 2 }\n", encoding="utf-8")
    with pytest.raises(UsageProblem, match=r"unicomp\.toml:2: "):
        configured.here()
