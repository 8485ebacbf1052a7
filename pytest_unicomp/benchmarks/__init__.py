"""One file per benchmark or family, each ending in `BENCHMARKS = {name: benchmark}`; nothing else need be edited to add one."""
