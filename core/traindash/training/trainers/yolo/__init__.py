"""Ultralytics YOLO as an engine: ``python -m traindash.training.trainers.yolo RUN_DIR``.

``__main__`` prepares the environment before the engine is imported; ``engine`` answers to the shared pipeline;
``engine_hooks`` alone reaches into Ultralytics.
"""
