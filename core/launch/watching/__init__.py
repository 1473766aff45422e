"""What a started task does: its log read, its phases, the time left, its end."""
