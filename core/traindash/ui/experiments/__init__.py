"""The list of experiments: found, marked, chosen."""
