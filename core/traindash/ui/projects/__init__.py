"""Screens on which people change a project: its name, classes, tags, datasets and images."""
