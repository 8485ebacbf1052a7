"""The study of SmolLM2: every recipe on real benchmarks, measured cell after cell and kept, and the page that is written from what is kept."""
