"""Trainers: each is run as ``python -m traindash.training.trainers.<name> RUN_DIR``; it knows its run folder only.

Exit codes: 0 with ``result.json`` written, 1 after a failure event, 2 for wrong usage, 143 after a stop (SIGTERM).
"""
