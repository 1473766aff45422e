"""Tells another program when a task is over: one signed POST for each end, to an address that a person has chosen."""
