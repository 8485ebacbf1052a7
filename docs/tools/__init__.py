"""Programs that write the tables of README.md and docs/ from what the product knows of itself."""
