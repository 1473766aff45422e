"""Connection, agents, webhook: what the dashboard works with."""
