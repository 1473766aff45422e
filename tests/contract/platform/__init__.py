"""The embedded platform over a real socket."""
