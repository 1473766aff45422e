"""Tests of traindash.plans."""
