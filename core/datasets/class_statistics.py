"""How many images and objects there are of each class and tag."""

from collections import Counter
from collections.abc import Iterable

from core.domain.annotation import Annotation
from core.domain.ids import DatasetId
from core.domain.project import ClassStatistics, ProjectMeta, ProjectStatistics


def project_statistics(meta: ProjectMeta, images: Iterable[tuple[DatasetId, Annotation]]) -> ProjectStatistics:
    """Count images and objects; images are looked at one at a time and not kept.

    Args:
        meta: Meta of the project; classes and tags that it does not define are not counted.
        images: (dataset, annotation) per image.

    Returns:
        Every class and every tag of the meta, those without use with zeros.
    """
    image_counts: dict[str, Counter[DatasetId]] = {item.name: Counter() for item in meta.classes}
    object_counts: dict[str, Counter[DatasetId]] = {item.name: Counter() for item in meta.classes}
    tag_counts = {item.name: 0 for item in meta.tags}
    total = 0
    for dataset_id, annotation in images:
        total += 1
        found = Counter(label.class_name for label in annotation.labels)
        for name, count in found.items():
            if name in object_counts:
                image_counts[name][dataset_id] += 1
                object_counts[name][dataset_id] += count
        for tag in {tag.name for tag in annotation.tags} & tag_counts.keys():
            tag_counts[tag] += 1
    classes = tuple(
        ClassStatistics(
            name=item.name,
            images=image_counts[item.name].total(),
            objects=object_counts[item.name].total(),
            images_by_dataset=dict(image_counts[item.name]),
            objects_by_dataset=dict(object_counts[item.name]),
        )
        for item in meta.classes
    )
    return ProjectStatistics(classes=classes, image_tags=tag_counts, images=total)
