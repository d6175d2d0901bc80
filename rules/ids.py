"""Typed identifiers: every id carries its noun, so that a school's id cannot be handed to a student's parameter."""

from typing import NewType
from uuid import UUID

TenantId = NewType("TenantId", UUID)
SchoolId = NewType("SchoolId", UUID)
StudentId = NewType("StudentId", UUID)
GuardianId = NewType("GuardianId", UUID)
PersonId = NewType("PersonId", UUID)
InstanceId = NewType("InstanceId", UUID)
CaseId = NewType("CaseId", UUID)
RuleSetVersionId = NewType("RuleSetVersionId", UUID)
EvaluationId = NewType("EvaluationId", UUID)
ProposalId = NewType("ProposalId", UUID)
TemplateVersionId = NewType("TemplateVersionId", UUID)
ArtifactId = NewType("ArtifactId", UUID)
MeetingId = NewType("MeetingId", UUID)
TaskId = NewType("TaskId", UUID)
ImportId = NewType("ImportId", UUID)
