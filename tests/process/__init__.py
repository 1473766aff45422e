"""Tests of the layer ``process``."""
