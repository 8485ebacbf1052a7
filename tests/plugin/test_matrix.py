"""The matrix of recipes and benchmarks: ids, marks, order, selection."""


def collected(result):
    return [line for line in result.outlines if "::" in line]


def test_collect_only_lists_the_cells_and_makes_nothing(gate, pytester, tmp_path):
    gate.store = tmp_path / "store"
    lines = collected(gate("--collect-only", "-q", recipe="rtn-w8a16,wanda-2of4", benchmark="nano-knowledge,nano-reasoning,bytes"))
    assert any("test_retention[wanda-2of4-nano-reasoning]" in line for line in lines)
    assert any("test_capability[rtn-w8a16-knowledge]" in line for line in lines)
    assert any("test_size[rtn-w8a16-bytes]" in line for line in lines)
    assert not (tmp_path / "store").exists()


def test_the_cells_of_one_artifact_stand_together(gate):
    lines = collected(gate("--collect-only", "-q", recipe="rtn-w8a16,wanda-2of4", benchmark="nano-knowledge,nano-reasoning,bytes"))
    # What holds of the paper's findings is asked when all is measured.
    owners = ["wanda" if "wanda" in line else "rtn" for line in lines if "test_finding[" not in line]
    assert ["test_finding[" in line for line in lines] == sorted("test_finding[" in line for line in lines)
    assert owners == sorted(owners)
    assert "test_artifact" in lines[0]


def test_marks_select_by_family_and_capability(gate):
    lines = collected(
        gate(
            "--collect-only", "-q", "-m", "pruning and reasoning", recipe="rtn-w8a16,wanda-2of4", benchmark="nano-knowledge,nano-reasoning"
        )
    )
    assert lines
    assert all("wanda-2of4" in line and "reasoning" in line for line in lines)


def test_a_model_without_a_path_runs_the_packaged_suites_from_any_folder(pytester, store):
    result = pytester.runpytest_inprocess(
        "--unicomp-model=nano",
        f"--unicomp-cache={store}",
        "-m",
        "pruning and reasoning",
        "--unicomp-recipe=wanda-2of4",
        "--collect-only",
        "-q",
    )
    lines = collected(result)
    assert len(lines) >= 2
    assert all("wanda-2of4" in line for line in lines)


def test_a_path_is_respected(gate, pytester):
    own = pytester.makepyfile(
        """
        def test_mine(cell, measurement, artifact, reference, baseline, unicomp):
            assert measurement.n == 24
            assert reference.artifact != measurement.artifact
            assert artifact.recipe == cell.recipe
            assert unicomp.plan.model == "nano"
        """
    )
    gate(path=own).assert_outcomes(passed=1)


def test_a_test_that_asks_an_unknown_question_is_a_usage_error(gate, pytester):
    own = pytester.makepyfile(
        """
        import pytest

        @pytest.mark.unicomp(question="retentoin")
        def test_mine(cell):
            pass
        """
    )
    result = gate(path=own)
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*asks 'retentoin'; expected one of*"])


def test_a_failing_check_measures_nothing_that_was_not_selected(gate, ruined, tmp_path):
    gate.store = tmp_path / "store"
    report = gate.report(f"--unicomp-candidate={ruined}", "-k", "nano-knowledge", recipe=None, benchmark="nano-knowledge,nano-safety")
    assert report["ret"] == 1
    measured = list((tmp_path / "store" / "measurements").glob("*.json"))
    assert len(measured) == 2


def test_the_older_name_of_the_fixture_artifact_check_gives_the_same_check(gate, pytester):
    own = pytester.makepyfile(
        """
        import pytest

        @pytest.mark.unicomp(question="artifact")
        def test_both_names(artifact_check, soundness):
            assert soundness is artifact_check
            assert artifact_check.question == "artifact"
        """
    )
    gate(path=own).assert_outcomes(passed=1)
