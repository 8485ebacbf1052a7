"""Bad input is one clear line and exit code 4, before anything runs."""

import json

import pytest

NOTHING = "no tests ran"


def assert_refused(result, *words):
    """The run stopped with one ERROR line that holds all the words."""
    assert result.ret == 4
    lines = [line for line in result.errlines if line.startswith("ERROR")]
    assert len(lines) == 1, result.errlines
    for word in words:
        assert word in lines[0]
    assert "Traceback" not in result.stderr.str()
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"recipe": "gptq-w4a61"}, ["no recipe named 'gptq-w4a61'", "'gptq-w4a16'", "unicomp methods"]),
        ({"benchmark": "nano-knowlege"}, ["no benchmark or set named 'nano-knowlege'", "'nano-knowledge'"]),
        ({"model": "./no-such-folder"}, ["no-such-folder"]),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_one(gate, arguments, words):
    assert_refused(gate(**arguments), *words)


def test_a_model_folder_without_its_configuration_is_refused(gate, pytester):
    pytester.mkdir("empty")
    assert_refused(gate(model=str(pytester.path / "empty")), "empty", "config.json")


@pytest.mark.parametrize(
    ("flag", "word"),
    [
        ("--unicomp-limit=-5", "'-5'"),
        ("--unicomp-margin=nan", "'nan'"),
        ("--unicomp-margin=-0.1", "'-0.1'"),
        ("--unicomp-alpha=0.7", "'0.7'"),
        ("--unicomp-profile=smock", "'smoke'"),
        ("--unicomp-device=tpu", "cuda:N"),
        ("--unicomp-update=yes", "missing"),
    ],
)
def test_a_value_out_of_range_is_refused_by_its_flag(gate, flag, word):
    assert_refused(gate(flag), flag.split("=")[0], word)


def test_a_report_with_an_unknown_suffix_is_refused(gate, pytester):
    assert_refused(gate("--unicomp-report=gate.pdf"), "gate.pdf", ".json", ".html")
    assert not (pytester.path / "gate.pdf").exists()


def test_a_bundle_without_the_data_set_is_refused_and_named(gate, pytester):
    pytester.mkdir("bundle")
    assert_refused(gate(f"--unicomp-bundle={pytester.path / 'bundle'}", benchmark="arc_easy"), "allenai/ai2_arc")


def test_a_bundle_that_is_no_folder_is_refused(gate):
    assert_refused(gate("--unicomp-bundle=nowhere"), "nowhere", "not a folder")


def test_calibration_that_nobody_knows_is_refused(gate):
    assert_refused(gate("--unicomp-calibration=reasonin", recipe="gptq-w4a16"), "reasonin", "'reasoning'")


def test_stored_evidence_that_is_not_there_is_refused_with_how_to_make_it(gate, pytester):
    line = assert_refused(
        gate("--unicomp-reference=stored", "--unicomp-benchmark=arc_easy", benchmark=None, model=_copy_of_nano(pytester)), "no evidence"
    )
    assert "--unicomp-update=missing" in line


def _copy_of_nano(pytester):
    import shutil

    from pytest_unicomp.checkpoints import hub

    return str(shutil.copytree(hub.resolve("nano", None), pytester.path / "another"))


def test_an_unknown_key_in_the_project_file_is_refused_with_the_nearest(gate, pytester):
    pytester.makepyprojecttoml('[tool.unicomp]\nmodle = "nano"\n')
    assert_refused(gate(), "no option named 'modle'", "'model'")


def test_a_recipe_that_cannot_do_the_architecture_is_refused_before_any_work(gate, breaking_recipe, tiny):
    line = assert_refused(gate(model=str(tiny.path), recipe=breaking_recipe, benchmark="bytes"), f"recipe '{breaking_recipe}'", "llama")
    assert "it knows no llamas" in line


def test_a_width_that_a_recipe_cannot_take_is_refused_before_any_work(gate, tiny, pytester):
    import shutil

    folder = shutil.copytree(tiny.path, pytester.path / "odd")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 130}))
    line = assert_refused(gate(model=str(folder), recipe="wanda-2of4", benchmark="bytes"), "'wanda-2of4'", "intermediate_size 130")
    assert "groups of 4 inputs" in line


def test_a_device_that_is_not_here_is_refused_before_anything_runs(gate):
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    result = gate(f"--unicomp-device=cuda:{count + 90}")
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*--unicomp-device=cuda:{count + 90} is not here: *; expected a device that is, or auto.*"])


def test_a_batch_that_does_not_fit_is_an_error_that_says_what_is_missing_and_the_run_goes_on(gate, breaking_recipe):
    report = gate.report("--unicomp-device=cpu", recipe="dense", benchmark="huge-latency,bytes")
    verdicts = {check["benchmark"]: check for check in report["checks"] if check["question"] == "efficiency"}
    assert verdicts["huge-latency"]["verdict"] == "error"
    assert "GB are missing" in verdicts["huge-latency"]["reason"]
    assert verdicts["bytes"]["verdict"] == "pass"
    assert report["ret"] == 7
