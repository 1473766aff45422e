"""The comparison, one experiment's evaluation and show mode: verdict, charts, pictures."""
