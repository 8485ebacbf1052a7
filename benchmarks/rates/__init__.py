"""Simulations of how often verdicts are wrong; their results are kept in evidence/, from which `python -m benchmarks.rates.page` writes the tables."""
