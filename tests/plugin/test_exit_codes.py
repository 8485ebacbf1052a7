"""The run's exit code says what happened: 0, 1, 6, 7; 4 has a file of its own."""

WIDE = ("--unicomp-margin=0.4", "--unicomp-benchmark-margin=0.4")


def test_a_capability_proven_kept_passes_with_0(gate):
    report = gate.report(*WIDE)
    assert (report["ret"], report["exit_code"], report["verdict"]) == (0, 0, "pass")
    report["result"].assert_outcomes(passed=3, skipped=4)


def test_a_capability_lost_fails_with_1(gate, ruined):
    report = gate.report(f"--unicomp-candidate={ruined}", recipe=None)
    assert (report["ret"], report["exit_code"], report["verdict"]) == (1, 1, "fail")
    (recipe,) = report["recipes"]
    assert (recipe["recipe"], recipe["family"], recipe["verdict"]) == ("ruined", "candidate", "fail")
    assert recipe["capabilities"][0]["interval"][1] < -recipe["capabilities"][0]["margin"]
    assert "knowledge" in recipe["reason"]


def test_too_few_items_to_decide_is_inconclusive_with_6_and_said_as_such(gate):
    report = gate.report("--unicomp-margin=0.01", "--unicomp-benchmark-margin=0.01")
    assert (report["ret"], report["exit_code"], report["verdict"]) == (6, 6, "inconclusive")
    report["result"].stdout.fnmatch_lines(["*passed*inconclusive*", "unicomp: INCONCLUSIVE (exit code 6)"])
    report["result"].stdout.no_fnmatch_line("*FAILURES*")


def test_undecided_under_warn_is_0_and_still_called_inconclusive(gate):
    report = gate.report("--unicomp-margin=0.01", "--unicomp-inconclusive=warn")
    assert (report["ret"], report["exit_code"], report["verdict"]) == (0, 0, "inconclusive")


def test_a_recipe_that_raises_is_an_error_with_7_while_the_others_go_on(gate, breaking_recipe):
    report = gate.report(*WIDE, recipe=f"{breaking_recipe},rtn-w8a16")
    assert (report["ret"], report["exit_code"], report["verdict"]) == (7, 7, "error")
    verdicts = {recipe["recipe"]: recipe["verdict"] for recipe in report["recipes"]}
    assert verdicts == {"breaks": "error", "rtn-w8a16": "pass"}
    broken = [check for check in report["checks"] if check["recipe"] == "breaks"]
    assert {check["verdict"] for check in broken} == {"error"}
    assert all("the layers do not fit" in check["reason"] for check in broken)
    assert next(recipe for recipe in report["recipes"] if recipe["recipe"] == "breaks")["artifact"] is None
    assert report["result"].parseoutcomes()["errors"] == 3
    assert not list(gate.store.rglob("half.safetensors"))


def test_an_informational_recipe_that_raises_does_not_fail_the_run(gate, breaking_recipe):
    report = gate.report(*WIDE, f"--unicomp-inform={breaking_recipe}")
    assert (report["exit_code"], report["verdict"]) == (0, "pass")
    assert report["ret"] == 0


def test_a_failing_test_of_the_users_own_is_1_even_where_the_gate_passes(gate, pytester):
    own = pytester.makepyfile(
        """
        def test_kept(retention):
            retention.assert_passed()

        def test_other():
            assert False
        """
    )
    report = gate.report(*WIDE, path=own)
    assert (report["ret"], report["exit_code"]) == (1, 0)
