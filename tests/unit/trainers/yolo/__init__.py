"""Tests of core.trainers.yolo."""
