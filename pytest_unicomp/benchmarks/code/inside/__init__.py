"""The code that runs inside the sandbox; it imports the standard library alone, and so do the packages above it."""
