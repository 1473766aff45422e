"""Tests of traindash.comparison."""
