"""Public API for extensions: records, the contracts of methods and benchmarks, the registry, errors and the vocabulary."""
