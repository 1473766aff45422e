"""What is in a project, and how data come in."""
