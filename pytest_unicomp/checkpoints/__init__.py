"""Checkpoints as files: found, read without torch, compared with their base, checked, converted to what transformers loads."""
