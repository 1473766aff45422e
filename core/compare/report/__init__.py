"""The one-file report: a comparison, or one experiment's evaluation, as HTML that needs nothing else."""

from core.compare.report.page import render_report

__all__ = ["render_report"]
