"""The sets asked of the embedded model, generated from its own micro-world; see `pytest_unicomp.nano`."""
