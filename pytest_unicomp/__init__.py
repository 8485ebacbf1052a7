"""A release gate for compressed language models, as a pytest plugin."""
