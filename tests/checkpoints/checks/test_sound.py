"""What is sound passes: every recipe's own artifact, and checkpoints in the formats of AutoAWQ, AutoGPTQ and compressed-tensors."""

import json
import shutil
import subprocess
import sys

import pytest

from pytest_unicomp.api.registry import methods, missing_libraries
from pytest_unicomp.checkpoints import checks
from pytest_unicomp.checkpoints.checks import Promise
from tests.methods import tiny

QUICK = tuple(name for name, method in methods().items() if method.family != "distillation")
DISTILLED = tuple(name for name, method in methods().items() if method.family == "distillation")


def failed(findings):
    return {finding.check: finding.found for finding in findings if finding.status == "fail"}


@pytest.mark.parametrize("recipe", QUICK)
def test_every_recipe_s_artifact_passes_every_check_and_keeps_what_it_promises(recipe, made, base):
    method = methods()[recipe]
    if method.refusal(json.loads((base / "config.json").read_text())):
        pytest.skip(f"{recipe} refuses the base")
    if missing_libraries(method.requires):
        pytest.skip(f"{recipe} needs {', '.join(method.requires)}")
    folder = base if method.method == "dense" else made(recipe)
    promise = Promise.of(method.family, method.settings(), f"recipe {recipe}")
    findings = {finding.check: finding for finding in checks.inspect(folder, base, promise)}
    assert failed(findings.values()) == {}
    assert (findings["sparsity"].status == "pass") == ("sparsity" in method.settings())
    assert (findings["smaller-than-base"].status == "pass") == (recipe != "fp8-kv" and (method.family == "quantization" or "fp8" in recipe))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", DISTILLED)
def test_a_distilled_student_passes_and_is_told_to_be_smaller(recipe, tmp_path):
    from dataclasses import fields, replace

    method = methods()[recipe]
    short = {"steps": 2, "batch": 1, "sequence": 32, "warmup": 1, "judged": 2}
    short = {name: value for name, value in short.items() if name in {field.name for field in fields(method)}}
    teacher = tiny.checkpoint(tmp_path / "teacher", layers=4)
    student = tiny.run(replace(method, **short), teacher, tmp_path / "student", tiny.calibration(24, 96))
    findings = {finding.check: finding for finding in checks.inspect(student, teacher)}
    assert failed(findings.values()) == {}
    assert "smaller student" in findings["architecture"].found
    assert "as config.json gives them" in findings["shapes"].found


@pytest.mark.parametrize("name", ["gptq", "gptq-asymmetric", "awq", "bitmask"])
def test_a_checkpoint_of_another_tool_passes(name, made, base):
    findings = {finding.check: finding for finding in checks.inspect(made(name), base)}
    assert failed(findings.values()) == {}
    if name != "bitmask":
        assert findings["declared-bits"].found == "14 layers: 4 bits, groups of 64"
        assert findings["zero-points"].status == "pass"
    else:
        assert "2:4 in 14 layers" in findings["sparsity-pattern"].found


@pytest.mark.parametrize(("bits", "version", "group"), [(2, 1, 32), (3, 2, 64), (8, 1, -1), (4, 1, 96)])
def test_gptq_s_other_widths_and_versions_and_a_shorter_last_group_pass(bits, version, group, base, tmp_path):
    from tests import packed_formats

    packed_formats.write(base, tmp_path / "gptq", "gptq", bits=bits, group=group, version=version)
    findings = {finding.check: finding for finding in checks.inspect(tmp_path / "gptq", base)}
    assert failed(findings.values()) == {}
    assert findings["declared-bits"].found.startswith(f"14 layers: {bits} bits")


def test_the_bits_that_are_told_are_those_of_the_files(made, base):
    findings = {finding.check: finding for finding in checks.inspect(made("gptq"), base)}
    # 4 bits, a half-precision scale and a 4-bit zero point per 64 inputs, and 32 bits of index per input of each layer.
    inputs, weights = 2 * (4 * 128 + 2 * 128 + 256), 2 * (4 * 128 * 128 + 3 * 128 * 256)
    bits = 4 + 20 / 64 + 32 * inputs / weights
    assert findings["bits-per-weight"].found.startswith(f"{bits:.3f} bits per quantized weight")


def test_sharded_files_pass_and_a_folder_is_left_as_it_was(base, tmp_path):
    from transformers import AutoModelForCausalLM

    shutil.copytree(base, tmp_path / "sharded")
    (tmp_path / "sharded" / "model.safetensors").unlink()
    AutoModelForCausalLM.from_pretrained(base).save_pretrained(tmp_path / "sharded", max_shard_size="400KB")
    assert len(list((tmp_path / "sharded").glob("*.safetensors"))) > 2
    before = tiny.contents(tmp_path / "sharded")
    assert failed(checks.inspect(tmp_path / "sharded", base)) == {}
    assert tiny.contents(tmp_path / "sharded") == before


def test_nothing_heavy_is_loaded_if_both_configurations_are_written_alike(made, base):
    program = (
        "import sys; from pathlib import Path; from pytest_unicomp.checkpoints import checks as a;"
        f"a.inspect(Path({str(made('gptq'))!r}), Path({str(base)!r})); print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_a_mixture_of_experts_with_fewer_experts_passes(tmp_path):
    base = tiny.checkpoint(tmp_path / "base", "qwen3_moe")
    made = tiny.run("reap-50", base, tmp_path / "made", tiny.calibration())
    method = methods()["reap-50"]
    findings = checks.inspect(made, base, Promise.of(method.family, method.settings(), "recipe reap-50"))
    assert failed(findings) == {}
