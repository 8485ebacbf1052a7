"""How one reply of a TrustLLM sub-task is read, one file per kind, each in the modes `paper` and `corrected`."""
