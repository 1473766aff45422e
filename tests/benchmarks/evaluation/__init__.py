"""How fast ``core.evaluation`` is and how honest its intervals are: ``python -m tests.benchmarks.evaluation``."""
