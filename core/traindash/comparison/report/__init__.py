"""The one-file report: a comparison, or one experiment's evaluation, as HTML that needs nothing else."""

from traindash.comparison.report.page import READING, render_report

__all__ = ["READING", "render_report"]
