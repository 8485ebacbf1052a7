"""The work behind single commands of `unicomp`."""
