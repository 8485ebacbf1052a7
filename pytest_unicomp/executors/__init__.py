"""Where promised jobs run."""
