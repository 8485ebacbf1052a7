"""Benchmarks of performance: knowledge, languages, reasoning, instruction following, language modelling."""
