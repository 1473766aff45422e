"""Series of experiments: planned, started, watched."""
