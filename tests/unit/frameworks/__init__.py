"""Tests of traindash.frameworks."""
