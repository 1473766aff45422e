"""A trainer for tests: keeps the whole run contract, computes nothing, and misbehaves when it is told to.

No framework names it, so nobody can choose it; only a platform that is built with ``trainer="fake"`` runs it.
"""
