"""Checkpoints as files: where they lie, how tensors are read, which formats there are, what is checked and converted."""
