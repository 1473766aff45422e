"""Tests of the layer ``shape``."""
