"""Ultralytics YOLO as data: model table, hyperparameter defaults, our small CPU model."""
