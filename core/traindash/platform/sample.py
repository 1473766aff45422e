"""The sample project of a new data directory: an archive beside this module, imported at the first start.

``tools/sample_renderer`` made it; it is data here, so that a first start computes no pictures.
"""

from dataclasses import replace
from pathlib import Path

from traindash.datasets.archives import unpack
from traindash.datasets.supervisely_format import open_project
from traindash.platform.services import Services
from traindash.platform.store.accounts import Home
from traindash.platform.store.import_scratch import ImportScratch

SAMPLE_ARCHIVE = Path(__file__).with_name("sample_project.zip")
SAMPLE_PROJECT_NAME = "Fruit and vegetables"
_DESCRIPTION = "Drawn by Traindash, to try training with. No photographs, no rights of others."
# A setting and not a look for the project: who deleted or renamed it does not want it again at the next start.
_DONE = "sample_project"


def import_sample(parts: Services, home: Home) -> None:
    """Give a data directory the sample project, unless it had it before. Takes half a second; then it is complete.

    Raises:
        StorageError: The data directory cannot be written.
    """
    if parts.accounts.setting(_DONE) is not None:
        return
    with ImportScratch(parts.layout.incoming) as scratch:
        folder = scratch.folder / "sample"
        unpack(SAMPLE_ARCHIVE, folder)
        source = replace(open_project(folder), name=SAMPLE_PROJECT_NAME, description=_DESCRIPTION)
        parts.imports.run(source, home, link=True, mark=_DONE)
