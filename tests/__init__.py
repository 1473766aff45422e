"""Tests, a folder per layer; see the section "Tests" of CONTRIBUTING.md."""
