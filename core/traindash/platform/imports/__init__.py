"""Imports as background jobs of the platform: recognised first, then taken in, with progress and a report."""
