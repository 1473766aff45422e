"""Bringing a folder or an archive in from the command line, whether the server runs or not."""

from pathlib import Path

from traindash.datasets.archives import archive_stem
from traindash.datasets.importing import open_import
from traindash.datasets.recognition import Layout
from traindash.domain.ids import ProjectId
from traindash.domain.imports import ImportReport
from traindash.errors import NotFoundError
from traindash.platform.identity import read_token
from traindash.platform.layout import HomeLayout
from traindash.platform.parts import build_services
from traindash.platform.store.import_scratch import ImportScratch


def import_path(
    home: Path, path: Path, *, name: str | None = None, layout: Layout | None = None
) -> tuple[ProjectId, ImportReport]:
    """Import a project into a data directory.

    Args:
        home: Data directory; a server must have been started on it once.
        path: A folder, which is only read, or an archive.
        name: Name of the project; by default that of the source. A number is added when it is taken.
        layout: How the folder is to be read; ``None`` lets its content decide.

    Returns:
        The project, and what was taken and what was not.

    Raises:
        InputError: The folder or archive cannot be used. Nothing is left behind.
        NotFoundError: No server was ever started on the data directory.
    """
    places = HomeLayout(home.absolute())
    read_token(places.token)
    if not places.database.is_file():
        msg = f"{places.root} has no database yet."
        raise NotFoundError(msg, "Start the dashboard once.")
    parts = build_services(home, address="", environment={})
    parts.database.open()
    places.incoming.mkdir(exist_ok=True)
    try:
        # On the disk of the data directory: what an archive holds may be more than a temporary folder takes.
        with ImportScratch(places.incoming) as scratch:
            opened = open_import(path, work=scratch.folder / archive_stem(path.name), layout=layout)
            project = parts.imports.run(opened.source, parts.accounts.home(), name=name, link=path.is_file())
            return project, opened.report()
    finally:
        parts.database.close()
