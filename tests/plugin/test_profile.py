"""`--unicomp-profile`: settings with a name, built in or from the file."""


def test_smoke_warns_where_standard_fails(gate):
    strict = gate.report("--unicomp-profile=standard", "--unicomp-margin=0.01")
    lenient = gate.report("--unicomp-profile=smoke", "--unicomp-margin=0.01")
    assert (strict["ret"], lenient["ret"]) == (6, 0)
    assert (strict["verdict"], lenient["verdict"]) == ("inconclusive", "inconclusive")
    assert (strict["policy"]["profile"], lenient["policy"]["profile"]) == ("standard", "smoke")


def test_a_profile_of_the_file_brings_benchmarks_margins_limits_alpha_and_what_is_undecided(gate, pytester):
    (pytester.path / "unicomp.toml").write_text(
        """[profiles.nightly]
extends = "smoke"
benchmark = ["nano-knowledge", "bytes"]
alpha = 0.01
[profiles.nightly.margins]
knowledge = 0.45
[profiles.nightly.limits]
bytes = 0.9
""",
        encoding="utf-8",
    )
    report = gate.report("--unicomp-profile=nightly", benchmark=None)
    assert report["policy"]["benchmarks"] == ["nano-knowledge", "bytes"]
    assert (report["policy"]["alpha"], report["policy"]["inconclusive"]) == (0.01, "warn")
    assert report["recipes"][0]["capabilities"][0]["margin"] == 0.45
    assert report["policy"]["limits"] == {"bytes": 0.9}
    assert report["ret"] == 0


def test_what_is_wrong_in_a_profile_is_refused_with_file_and_line_before_anything_runs(gate, pytester):
    (pytester.path / "unicomp.toml").write_text(
        "[profiles.nightly]\nlimit = 5\n[profiles.nightly.margins]\nknowlege = 0.1\n", encoding="utf-8"
    )
    result = gate("--unicomp-profile=nightly")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*unicomp.toml:4: *knowlege: no capability, benchmark or metric has that name.*"])


def test_what_is_wrong_in_a_profile_that_is_extended_or_not_chosen_is_refused_with_its_line(gate, pytester):
    text = "[profiles.base]\nlimit = 5\n[profiles.base.margins]\nknowlege = 0.1\n[profiles.nightly]\nextends = 'base'\n"
    (pytester.path / "unicomp.toml").write_text(text, encoding="utf-8")
    for chosen in ("nightly", "smoke"):
        result = gate(f"--unicomp-profile={chosen}")
        assert result.ret == 4
        result.stderr.fnmatch_lines(["*unicomp.toml:4: profiles.base.margins.knowlege: no capability, benchmark or metric has that name.*"])


def test_the_papers_profile_asks_for_the_papers_data(gate):
    result = gate("--unicomp-profile=paper", "--unicomp-bundle=.", recipe=None, benchmark=None)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*trustllm*"])
