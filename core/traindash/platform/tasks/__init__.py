"""Tasks of the embedded server: taken in, prepared, run in child processes, published, recovered after a crash."""
