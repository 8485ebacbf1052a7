"""TrustLLM's reliability sub-tasks (Huang et al., arXiv 2401.05561); `scorers/` holds the rules by which a reply gets its score."""
