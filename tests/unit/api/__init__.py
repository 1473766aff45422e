"""Tests of traindash.supervisely."""
