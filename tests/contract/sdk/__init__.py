"""The official SDK as a client of the embedded platform."""
