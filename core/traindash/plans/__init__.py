"""What we are about to start: plans, drafts, rules, plan files, code, app state, series."""
