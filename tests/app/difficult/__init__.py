"""Pages on a server that behaves badly."""
