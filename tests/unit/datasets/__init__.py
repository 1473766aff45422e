"""Tests of core.datasets."""
