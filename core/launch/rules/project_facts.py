"""What the server knows about a project: the facts that the rules for classes and splits are checked against."""

from dataclasses import dataclass

from core.domain.ids import CollectionId, DatasetId
from core.domain.project import Collection, Dataset, Project, ProjectMeta, ProjectStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFacts:
    """A project and everything that is known of it except its images.

    Attributes:
        datasets: Empty where nothing asks for them.
        collections: Empty where nothing asks for them.
    """

    project: Project
    meta: ProjectMeta
    datasets: tuple[Dataset, ...]
    collections: tuple[Collection, ...]
    statistics: ProjectStatistics

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the project's object classes, in its order."""
        return tuple(item.name for item in self.meta.classes)

    @property
    def dataset_names(self) -> dict[DatasetId, str]:
        """Id → full name of each dataset, nested ones as ``parent/child``."""
        by_id = {dataset.id: dataset for dataset in self.datasets}

        def full(dataset: Dataset, depth: int = 0) -> str:
            parent = by_id.get(dataset.parent_id) if dataset.parent_id is not None else None
            deep = parent is None or depth > len(by_id)
            return dataset.name if deep or parent is None else f"{full(parent, depth + 1)}/{dataset.name}"

        return {dataset.id: full(dataset) for dataset in self.datasets}

    @property
    def collection_names(self) -> dict[CollectionId, str]:
        """Id → name of each collection."""
        return {item.id: item.name for item in self.collections}
