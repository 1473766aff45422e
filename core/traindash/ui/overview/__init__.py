"""The front page, and the guided first comparison that begins there."""
