"""One run: preflight, plan, compress, evaluate, time, check, conclude."""
