"""TrustLLM's reliability sub-tasks (Huang et al., arXiv 2401.05561); `scorers/` holds how a reply gets its score."""
