"""Without a model the plugin is a guest that nobody notices."""

import subprocess
import sys

HEAVY = ("torch", "transformers", "lm_eval", "llmcompressor", "datasets", "scipy", "numpy", "pydantic", "matplotlib")


def test_an_unrelated_run_imports_nothing_heavy_and_writes_and_prints_nothing(tmp_path):
    (tmp_path / "test_unrelated.py").write_text(
        "import sys\n\n"
        "def test_nothing_heavy_is_there():\n"
        "    assert 'pytest_unicomp.plugin' in sys.modules\n"
        f"    assert [name for name in {HEAVY!r} if name in sys.modules] == []\n"
    )
    switched_off = [word for name in ("cacheprovider", "benchmark", "hypothesispytest", "xdist", "anyio") for word in ("-p", f"no:{name}")]
    command = [sys.executable, "-B", "-m", "pytest", "--rootdir", str(tmp_path), *switched_off, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert "unicomp" not in "".join(line for line in done.stdout.splitlines() if not line.startswith(("plugins:", "rootdir:", "cachedir:")))
    assert done.stderr == ""
    assert [path.name for path in tmp_path.rglob("*")] == ["test_unrelated.py"]


def test_importing_the_plugin_imports_only_pytest_and_the_standard_library():
    program = "import sys, pytest; before = set(sys.modules); import pytest_unicomp.plugin; print(sorted({n.split('.')[0] for n in set(sys.modules) - before}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(eval(done.stdout))


def test_a_flag_without_a_model_is_a_usage_error(pytester):
    result = pytester.runpytest_subprocess("--unicomp-recipe=wanda-50")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--unicomp-recipe given, but no model; add --unicomp-model=NAME*"])


def test_the_suites_without_a_model_are_skipped_with_the_reason(pytester):
    from pytest_unicomp.plugin.suites import suites

    result = pytester.runpytest_subprocess(str(suites()), "-rs", "-p", "no:cacheprovider")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*no model: give --unicomp-model=NAME*"])
    assert "failed" not in result.stdout.str()


def test_the_marks_are_declared(pytester):
    result = pytester.runpytest_subprocess("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.reasoning:*", "@pytest.mark.pruning:*"])


def test_flags_in_addopts_wait_for_a_model(pytester):
    pytester.makepyprojecttoml('[tool.pytest.ini_options]\naddopts = ["--unicomp-profile=smoke"]\n')
    pytester.makepyfile("def test_of_mine(): pass")
    result = pytester.runpytest_subprocess()
    assert result.ret == 0
    result.assert_outcomes(passed=1)


def test_a_model_in_the_file_changes_nothing_for_other_tests_and_one_line_says_that_nothing_was_gated(pytester):
    pytester.makefile(".toml", unicomp='model = "nano"\n')
    pytester.makepyfile("def test_of_mine(): pass")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    assert result.ret == 0
    result.assert_outcomes(passed=1)
    lines = [line for line in result.outlines if line.startswith("unicomp: ")]
    assert len(lines) == 1
    assert "unicomp.toml:1: model is 'nano', and no test here asks for it, so nothing was gated" in lines[0]
