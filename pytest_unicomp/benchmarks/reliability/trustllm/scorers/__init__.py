"""The rules that grade a reply of a TrustLLM sub-task, one file per kind, each in the modes `paper` and `corrected`."""
