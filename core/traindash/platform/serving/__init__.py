"""Trained models that answer as Supervisely's serving apps do."""
