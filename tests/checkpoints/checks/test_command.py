"""`unicomp check-artifact DIR --against BASE`."""

import json

from typer.testing import CliRunner

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints import checks
from pytest_unicomp.cli import app


def run(*words):
    return CliRunner().invoke(app, ["check-artifact", *map(str, words)])


def test_a_sound_checkpoint_ends_with_0_and_lists_every_check(made, base):
    done = run(made("gptq"), "--against", base)
    assert done.exit_code == 0
    assert all(name in done.output for name in checks.checks())


def test_a_broken_one_ends_with_1_and_says_what_to_do(broken):
    copy = broken("gptq")
    (copy.folder / "chat_template.jinja").write_text("other")
    done = run(copy.folder, "--against", copy.base)
    assert done.exit_code == 1
    assert "chat-template: expected chat templates as the base's; copy the base's file into the folder." in done.output


def test_json_is_a_list_of_objects_with_found_expected_and_action(broken):
    copy = broken("gptq")
    (copy.folder / "x.py").write_text("")
    done = run(copy.folder, "--against", copy.base, "--json")
    rows = {row["check"]: row for row in json.loads(done.output)}
    assert done.exit_code == 1
    assert list(rows) == list(checks.checks())
    assert rows["no-custom-code"]["status"] == "fail"
    assert all(set(row) == {"check", "status", "found", "expected", "action"} for row in rows.values())
    assert {row["status"] for row in rows.values()} == {"pass", "fail", "not_applicable"}


def test_a_folder_without_configuration_and_an_unknown_base_are_usage_problems(base, tmp_path):
    for words, told in (((tmp_path, "--against", base), "no config.json"), ((base, "--against", tmp_path), "no config.json")):
        done = run(*words)
        assert isinstance(done.exception, UsageProblem)
        assert told in str(done.exception)


def test_help_has_an_example():
    assert "Example: unicomp check-artifact" in " ".join(run("--help").output.split())


def test_an_adapter_alone_is_no_model_and_says_where_it_is_checked(base, tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    done = run(tmp_path, "--against", base)
    assert isinstance(done.exception, UsageProblem)
    assert "is an adapter, which a gate merges and checks" in str(done.exception)
