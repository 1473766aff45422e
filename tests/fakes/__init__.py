"""Stand-ins that tests pass in where the real part would need another machine."""
