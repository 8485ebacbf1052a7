"""Add a mixture of calibration text by adding one file here that ends in `MIXTURES = {"name": ...}`."""
