"""Tests of traindash.tasks."""
