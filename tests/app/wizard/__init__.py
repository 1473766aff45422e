"""The wizard's pages, run without a browser."""
