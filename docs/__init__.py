"""The pages, and in tools/ the programs that write their tables."""
