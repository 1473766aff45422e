"""The images that a dry run may use: a sample of both sides, taken evenly, with objects on the first ones."""

import json
from collections.abc import Sequence

from traindash.domain.ids import ImageId, ProjectId
from traindash.domain.plan import Side
from traindash.platform.store.database import Database
from traindash.platform.tasks.splits import Sides

_MOST: tuple[tuple[Side, int], ...] = (("train", 512), ("val", 256))
_WITH_OBJECTS = 4
"""Without an object on either side there is nothing to learn and nothing to measure."""


def sample_images(database: Database, project_id: ProjectId, classes: Sequence[str], sides: Sides) -> Sides:
    """Return some of the images of a training.

    Args:
        database: Knows which images have objects.
        project_id: The project.
        classes: Trained classes.
        sides: All images of the training → their sides.

    Returns:
        The sample, images with objects of the classes first.
    """
    filled = _with_objects(database, project_id, classes)
    first: list[ImageId] = []
    others: list[ImageId] = []
    for side, most in _MOST:
        own = [image for image, on in sides.items() if side in on]
        first += [image for image in own if image in filled][:_WITH_OBJECTS]
        step = max(1, -(-len(own) // most))
        others += own[::step]
    return {image: sides[image] for image in dict.fromkeys([*first, *others])}


def _with_objects(database: Database, project_id: ProjectId, classes: Sequence[str]) -> frozenset[int]:
    query = (
        "SELECT DISTINCT image_id FROM image_classes"
        " WHERE dataset_id IN (SELECT id FROM datasets WHERE project_id = ?)"
        " AND class_name IN (SELECT value FROM json_each(?))"
    )
    with database.read() as connection:
        return frozenset(row[0] for row in connection.execute(query, (project_id, json.dumps(list(classes)))))
