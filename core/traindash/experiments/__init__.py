"""The list of a team's experiments: read step by step, kept on this machine, filtered, sorted, marked."""
