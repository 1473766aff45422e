"""Report pages beside ``template.vue``, the file whose id in Team Files stands for a report."""

import json
from html import escape
from pathlib import Path

from core.compare.experiment import Comparison
from core.compare.pictures.crops import LoadImage
from core.compare.report import render_report

_TEMPLATE = """<template>
  <div>
    <!-- A report of Traindash. The page itself is report.html in this folder: one file, nothing is loaded. -->
    <iframe src="report.html" title="{title}" style="width: 100%; height: 100vh; border: 0"></iframe>
  </div>
</template>
"""


def write_report(folder: Path, *, title: str, comparison: Comparison, load: LoadImage) -> Path:
    """Write a report of one or several evaluations.

    Args:
        folder: Where ``template.vue`` belongs.
        title: For people.
        comparison: What is reported.
        load: Gives the images.

    Returns:
        ``template.vue``, written last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text(render_report(comparison, title=title, load=load), encoding="utf-8")
    (folder / "state.json").write_text(json.dumps({"title": title}, ensure_ascii=False), encoding="utf-8")
    template = folder / "template.vue"
    template.write_text(_TEMPLATE.format(title=escape(title)), encoding="utf-8")
    return template
