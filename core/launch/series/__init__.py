"""Several experiments from one plan: made, written down, started, watched."""
