"""Benchmarks of cost: bytes, memory, operations and seconds."""
