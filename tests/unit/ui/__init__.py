"""Tests of traindash.ui without Streamlit's runtime."""
