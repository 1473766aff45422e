"""Start, follow and recover tasks."""
