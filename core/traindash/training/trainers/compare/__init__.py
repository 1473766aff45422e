"""Compares evaluations, as Supervisely's module ``compare_models`` does."""
