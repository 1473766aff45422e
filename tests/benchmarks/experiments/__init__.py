"""How quick experiments are listed and compared."""
