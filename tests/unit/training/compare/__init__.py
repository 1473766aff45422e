"""Tests of traindash.training.trainers.compare."""
