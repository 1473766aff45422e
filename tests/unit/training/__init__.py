"""Tests of traindash.training.trainers."""
