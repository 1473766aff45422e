"""Renders the sample project: fruit and vegetables on tables, lit and shaded by own code.

The product ships the result, ``sample_project.zip`` beside the module that imports it; nothing here runs on a user's
machine. To render anew, after a change here::

    python -m tools.sample_renderer ARCHIVE.zip

and put the archive in its place. New pictures are new content: every number that was measured on the sample project
changes, and ``tests/unit/datasets/test_sample.py`` compares a few archived pictures with new ones.
"""
