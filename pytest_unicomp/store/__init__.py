"""Storage between runs: the local store, the shared store, and committed baselines."""
