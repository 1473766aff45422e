"""All methods of the API in one table."""

from collections.abc import Sequence
from typing import Any

from traindash.platform.routes import (
    accounts,
    agents,
    annotations,
    app_data,
    apps,
    dry_runs,
    ecosystem,
    files,
    images,
    imports,
    project_collections,
    project_statistics,
    projects,
    splits,
    task_commands,
    tasks,
    uploads,
    webhook,
)
from traindash.platform.routes.endpoint import Method, StreamMethod

METHODS: Sequence[Method[Any] | StreamMethod] = (
    *accounts.METHODS,
    *agents.METHODS,
    *annotations.METHODS,
    *app_data.METHODS,
    *apps.METHODS,
    *dry_runs.METHODS,
    *ecosystem.METHODS,
    *files.METHODS,
    *images.METHODS,
    *imports.METHODS,
    *project_collections.METHODS,
    *project_statistics.METHODS,
    *projects.METHODS,
    *splits.METHODS,
    *task_commands.METHODS,
    *tasks.METHODS,
    *uploads.METHODS,
    *webhook.METHODS,
)
"""A new method is a line in the table of its resource, and a new resource a line here."""
