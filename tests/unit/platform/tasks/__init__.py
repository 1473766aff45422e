"""Tests of ``traindash.platform.tasks``."""
