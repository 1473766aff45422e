"""Trains Ultralytics YOLO models: ``python -m traindash.training.trainers.yolo RUN_DIR``.

Order of the modules: ``start`` (before the engine is imported) → ``pipeline`` → ``data``, ``weights``, ``training``,
``evaluation``, ``speed_test``, ``export``, ``artifacts``. Only modules behind ``pipeline`` import the engine.
"""
