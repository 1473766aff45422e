"""Tests of core.trainers."""
