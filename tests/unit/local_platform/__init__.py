"""Tests of ``core.local_platform``."""
