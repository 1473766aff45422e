"""Trainers: each is run as ``python -m traindash.training.trainers.<name> RUN_DIR`` and knows nothing but its run folder.

Exit codes: 0 with ``result.json`` written, 1 after a failure event, 2 for wrong usage, 143 after a stop (SIGTERM).
"""
