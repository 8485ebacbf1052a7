"""Calls of functions, after the syntax-tree part of the Berkeley Function-Calling Leaderboard: read from a reply, and held against possible answers."""
