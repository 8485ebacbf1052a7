"""Files that travel with the package: the embedded model and what made it."""
