"""Runs generated Python code against tests in a sandbox of Linux namespaces, and scores benchmarks of code by it."""
