"""Tests of core.frameworks."""
