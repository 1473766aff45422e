"""One task and the list of tasks: what runs, how it goes, what came out of it."""
