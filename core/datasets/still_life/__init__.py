"""Draws the pictures of the sample project: fruit and vegetables on tables, lit and shaded by own code."""
