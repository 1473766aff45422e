"""Comparing experiments: rows, differences, charts, the one-file report. Pure: no client, no Streamlit."""
