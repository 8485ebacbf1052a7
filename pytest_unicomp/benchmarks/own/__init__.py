"""A user's own questions, in a file that `[benchmarks.NAME]` of unicomp.toml names: the lines of the file, how a reply is scored, and the benchmark."""
