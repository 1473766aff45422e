"""Dry runs: the first batches of a training in a child process, to learn what the whole of it will need."""
