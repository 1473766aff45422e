"""Tests of traindash.cli."""
