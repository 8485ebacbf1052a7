"""What is kept between runs: the local store, the shared one, and the stored baselines."""
