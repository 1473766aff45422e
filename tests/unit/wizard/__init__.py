"""Tests of core.wizard."""
