"""Models look at pictures that nobody has annotated: chosen, given, shown side by side."""
