"""Tests of core.trainers.compare."""
