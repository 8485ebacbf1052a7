"""Add a compression technique by adding one file here that ends in `RECIPES = {"name": Method(...)}`."""
