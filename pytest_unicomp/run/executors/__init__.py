"""The executors that perform promised jobs: in this process, in fresh interpreters, or on a Ray cluster."""
