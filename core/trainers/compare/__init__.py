"""Compares evaluations, as Supervisely's module ``compare_models``: ``python -m core.trainers.compare RUN_DIR``."""
