"""The benchmarks of the embedded model, generated from its micro-world; see `pytest_unicomp.nano`."""
