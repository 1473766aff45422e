"""An engine that imports nothing heavy: its models find bright patches, and are a few words of JSON.

A platform that is built with ``trainer="tests.fakes.quick_engine"`` runs models with it.
"""
