"""Report pages beside ``template.vue``, the file whose id in Team Files stands for a report."""

import json
from html import escape
from pathlib import Path

from core.compare.experiment import Comparison
from core.compare.report.tables import class_table, metric_table
from core.compare.rows import key_metric_rows

_TEMPLATE = """<template>
  <div>
    <!-- A report of Traindash. The page itself is report.html in this folder: one file, nothing is loaded. -->
    <iframe src="report.html" title="{title}" style="width: 100%; height: 100vh; border: 0"></iframe>
  </div>
</template>
"""


def write_report(folder: Path, *, title: str, comparison: Comparison) -> Path:
    """Write a report of one or several evaluations.

    Args:
        folder: Where ``template.vue`` belongs.
        title: For people.
        comparison: What is reported.

    Returns:
        ``template.vue``, written last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text(_page(title, comparison), encoding="utf-8")
    (folder / "state.json").write_text(json.dumps({"title": title}, ensure_ascii=False), encoding="utf-8")
    template = folder / "template.vue"
    template.write_text(_TEMPLATE.format(title=escape(title)), encoding="utf-8")
    return template


def _page(title: str, comparison: Comparison) -> str:
    metrics = metric_table(key_metric_rows(comparison), comparison)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<h1>{escape(title)}</h1>{metrics}{class_table(comparison)}</html>"
    )
