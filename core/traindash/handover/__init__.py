"""Handing a model over: who chose it and why, and a package that runs without this program."""
