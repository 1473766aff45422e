"""Tests of the layer ``benchmarks``."""
