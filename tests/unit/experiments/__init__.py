"""Tests of traindash.experiments."""
