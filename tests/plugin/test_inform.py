"""`--unicomp-inform`: measured and reported, never failing."""


def test_an_informational_recipe_passes_in_pytest_and_keeps_its_verdict_in_the_report(gate):
    report = gate.report("--unicomp-inform=wanda-2of4", "--unicomp-margin=0.4", "--unicomp-benchmark-margin=0.0001")
    informed = next(recipe for recipe in report["recipes"] if recipe["recipe"] == "wanda-2of4")
    assert informed["gates"] is False
    check = next(check for check in report["checks"] if check["recipe"] == "wanda-2of4" and check["question"] == "retention")
    assert check["verdict"] != "pass"
    assert check["gates"] is False
    outcomes = report["result"].parseoutcomes()
    assert outcomes.get("failed", 0) == 0


def test_a_recipe_that_gates_and_informs_gates(gate):
    report = gate.report("--unicomp-inform=rtn-w8a16", "--unicomp-margin=0.4", "--unicomp-benchmark-margin=0.4")
    assert [(recipe["recipe"], recipe["gates"]) for recipe in report["recipes"]] == [("rtn-w8a16", True)]
