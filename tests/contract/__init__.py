"""Tests of the layer ``contract``."""
