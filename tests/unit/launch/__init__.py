"""Tests of core.launch."""
