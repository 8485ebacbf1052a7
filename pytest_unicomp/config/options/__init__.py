"""The options of a run in groups, one record for each; `Settings` inherits them all."""
