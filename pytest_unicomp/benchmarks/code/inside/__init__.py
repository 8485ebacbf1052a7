"""Holds the code that runs inside the sandbox, where there is the standard library alone; the packages above it import nothing either."""
