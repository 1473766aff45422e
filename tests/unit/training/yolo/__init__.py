"""Tests of traindash.training.trainers.yolo."""
