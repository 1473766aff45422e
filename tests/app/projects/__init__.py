"""The page on which a project is changed, run without a browser on the real platform."""
