"""Tests of packages and what describes them."""
