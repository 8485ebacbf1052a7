"""unicomp.toml, [tool.unicomp] and `--unicomp-config`."""


def test_a_project_file_gives_what_the_flags_leave_open(gate, pytester):
    pytester.makefile(".toml", unicomp='margin = 0.4\nbenchmark_margin = 0.4\nrecipe = ["rtn-w8a16"]\n')
    report = gate.report(recipe=None)
    assert report["policy"]["margin"] == 0.4
    assert report["ret"] == 0


def test_a_flag_wins_over_the_project_file(gate, pytester):
    pytester.makepyprojecttoml("[tool.unicomp]\nmargin = 0.2\n[tool.pytest.ini_options]\n")
    assert gate.report("--unicomp-margin=0.3")["policy"]["margin"] == 0.3
    assert gate.report()["policy"]["margin"] == 0.2


def test_a_named_file_replaces_the_project_file(gate, pytester):
    pytester.makefile(".toml", unicomp="margin = 0.1\n", release="margin = 0.25\n")
    assert gate.report("--unicomp-config=release.toml")["policy"]["margin"] == 0.25


def test_a_named_file_that_is_missing_is_a_usage_error(gate):
    result = gate("--unicomp-config=nowhere.toml")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*nowhere.toml cannot be read*"])
