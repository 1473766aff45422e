"""The field's words as types. Imports nothing else of this project."""
