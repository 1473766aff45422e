"""Identifiers of the entities a Supervisely server hands out.

All are positive integers, unique per entity kind on one server. They are separate types so that a task id can never be
passed where a project id is meant. Series are known on this machine only, under a text.
"""

from typing import NewType

# NewType costs nothing at run time: on the wire and in the database each is a plain integer.
TeamId = NewType("TeamId", int)
WorkspaceId = NewType("WorkspaceId", int)
ProjectId = NewType("ProjectId", int)
DatasetId = NewType("DatasetId", int)
ImageId = NewType("ImageId", int)
CollectionId = NewType("CollectionId", int)
AgentId = NewType("AgentId", int)
ModuleId = NewType("ModuleId", int)
TaskId = NewType("TaskId", int)
FileId = NewType("FileId", int)
ImportId = NewType("ImportId", int)
DryRunId = NewType("DryRunId", int)
ExportId = NewType("ExportId", int)
SeriesId = NewType("SeriesId", str)
