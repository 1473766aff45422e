"""From a complete plan to a task, and from a task to its progress. Knows the API, not Streamlit."""
