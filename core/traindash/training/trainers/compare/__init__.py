"""Compares evaluations, as Supervisely's module ``compare_models``: ``python -m traindash.training.trainers.compare RUN_DIR``."""
