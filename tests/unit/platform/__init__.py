"""Tests of ``traindash.platform``."""
