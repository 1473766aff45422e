"""Tests of core.ui without Streamlit's runtime."""
