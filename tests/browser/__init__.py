"""Tests of the layer ``browser``."""
