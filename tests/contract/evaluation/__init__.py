"""Tests of traindash.evaluation."""
