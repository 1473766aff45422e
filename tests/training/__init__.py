"""Real, tiny trainings in child processes."""
