"""What the task list costs the dashboard while eight trainings report ten events a second each."""

AGENTS = 8
