"""What the embedded server keeps: one SQLite file for state, folders for bytes."""
