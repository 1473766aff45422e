"""Tests of core.compare."""
