"""How fast ``traindash.evaluation`` is and how honest its intervals are: ``python -m tests.benchmarks.evaluation``."""
