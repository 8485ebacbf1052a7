"""Benchmarks of reliability: truthfulness, safety, fairness, robustness, privacy, ethics."""
