"""Whether a model still behaves: truthfulness, safety, fairness, robustness, privacy, ethics."""
