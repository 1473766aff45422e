"""The embedded server: Supervisely's REST API over SQLite and folders, and the agents that train on this machine."""
