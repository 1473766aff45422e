"""The dashboard, the embedded platform and the trainers."""
