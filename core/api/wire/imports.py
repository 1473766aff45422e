"""Imports of data, methods of the embedded platform's own."""

from core.api.wire.reading import Shape
from core.domain.ids import ImportId, ProjectId
from core.domain.imports import DataImport, ImportProblems, ImportStatus, ImportSummary, RecognisedLayout


class _LayoutShape(Shape):
    layout: str
    reason: str = ""


class _ExampleShape(Shape):
    place: str
    message: str


class _ProblemShape(Shape):
    kind: str
    effect: str
    count: int
    examples: tuple[_ExampleShape, ...] = ()


class _ClassShape(Shape):
    name: str
    objects: int


class _ReportShape(Shape):
    images: int
    objects: int
    classes: tuple[_ClassShape, ...] = ()
    problems: tuple[_ProblemShape, ...] = ()

    def summary(self) -> ImportSummary:
        return ImportSummary(
            images=self.images,
            objects=self.objects,
            classes={item.name: item.objects for item in self.classes},
            problems=tuple(
                ImportProblems(
                    kind=item.kind,
                    effect=item.effect,
                    count=item.count,
                    examples=tuple((example.place, example.message) for example in item.examples),
                )
                for item in self.problems
            ),
        )


class ImportShape(Shape):
    """The answer of all methods ``traindash.imports.*``."""

    id: int
    state: ImportStatus
    source: str
    name: str = ""
    layout: str | None = None
    layouts: tuple[_LayoutShape, ...] = ()
    phase: str = ""
    done: int = 0
    total: int | None = None
    project_id: int | None = None
    report: _ReportShape | None = None
    message: str = ""
    hint: str = ""

    def data_import(self) -> DataImport:
        """Return the domain value."""
        return DataImport(
            id=ImportId(self.id),
            status=self.state,
            source=self.source,
            name=self.name,
            layout=self.layout,
            layouts=tuple(RecognisedLayout(name=item.layout, reason=item.reason) for item in self.layouts),
            phase=self.phase,
            done=self.done,
            total=self.total,
            project_id=None if self.project_id is None else ProjectId(self.project_id),
            report=None if self.report is None else self.report.summary(),
            message=self.message,
            hint=self.hint,
        )
