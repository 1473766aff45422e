"""The one-file report: a comparison, or one experiment's evaluation, as HTML that needs nothing else."""
