"""The run folder: the only thing a platform and a trainer share.

The platform writes ``spec.json`` and ``inputs/``; the trainer reads them, appends to ``events.jsonl``, fills
``artifacts/`` and ``evaluation/`` and, as its very last act, writes ``result.json``. Neither knows the other's code.
"""
