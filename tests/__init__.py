"""Tests, a folder per layer; see the section "Tests" of the README."""
