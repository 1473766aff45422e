"""Choosing a model for use, and its package."""
