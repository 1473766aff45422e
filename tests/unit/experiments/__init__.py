"""Tests of core.experiments."""
