"""Labels that models make: starting a task, reviewing what it made."""
