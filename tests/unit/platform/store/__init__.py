"""Tests of ``traindash.platform.store``."""
