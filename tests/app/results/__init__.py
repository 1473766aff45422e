"""Tests of the task, experiment and comparison pages."""
