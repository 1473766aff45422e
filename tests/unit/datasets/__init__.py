"""Tests of traindash.datasets."""
