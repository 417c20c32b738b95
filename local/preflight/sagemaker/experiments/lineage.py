"""Artifacts, and what associates them with trial components: as far as the SDKs' runs write and read them."""

import uuid
from typing import Any

from preflight.sagemaker.api.errors import ResourceNotFound, ValidationException, guessed
from preflight.sagemaker.api.listing import Listing
from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.experiments.request import (
    AddAssociation,
    CreateArtifact,
    DeleteArtifact,
    DeleteAssociation,
    DescribeArtifact,
    ListArtifacts,
    ListAssociations,
)
from preflight.sagemaker.resources.record import Record
from preflight.sagemaker.resources.table import Kind, Resources, Table

_OF_EXPERIMENTS = ("experiment", "experiment-trial", "experiment-trial-component")


class ArtifactRecord(Record):
    """``name`` is the last part of its ARN: artifacts need none of their own."""

    request: CreateArtifact


class AssociationRecord(Record):
    """An edge of the graph, by both its ends."""

    request: AddAssociation


def _describe_artifact(artifact: ArtifactRecord) -> dict[str, Any]:
    asked = artifact.request.as_asked()
    shown = ("ArtifactName", "Source", "ArtifactType", "Properties", "MetadataProperties")
    return {
        "ArtifactArn": artifact.arn,
        **{key: asked[key] for key in shown if key in asked},
        "CreationTime": artifact.creation_time,
        "LastModifiedTime": artifact.creation_time,
    }


def _summarize_artifact(artifact: ArtifactRecord) -> dict[str, Any]:
    left_out = ("Properties", "MetadataProperties")
    return {key: value for key, value in _describe_artifact(artifact).items() if key not in left_out}


def _describe_association(association: AssociationRecord) -> dict[str, Any]:
    return {**association.request.as_asked(), "CreationTime": association.creation_time, "CreatedBy": {}}


def _missing(arn: str) -> ResourceNotFound:
    return ResourceNotFound(guessed(f"Resource '{arn}' does not exist."))


ARTIFACT = Kind(
    record=ArtifactRecord,
    arn_kind="artifact",
    event=None,
    listing=Listing(result_key="ArtifactSummaries", name_key="ArtifactArn"),
    describe=_describe_artifact,
    summarize=_summarize_artifact,
    taken=lambda arn: ValidationException(guessed(f"Artifact {arn} already exists.")),
    missing=_missing,
)
ASSOCIATION = Kind(
    record=AssociationRecord,
    arn_kind="association",
    event=None,
    listing=Listing(result_key="AssociationSummaries", name_key="SourceArn"),
    describe=_describe_association,
    summarize=_describe_association,
    taken=lambda arn: ValidationException(guessed("The association already exists.")),
    missing=lambda arn: ResourceNotFound(guessed("The association does not exist.")),
)


class Lineage:
    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._lock = resources.lock
        self._artifacts: Table[ArtifactRecord] = Table(resources, ARTIFACT)
        self._associations: Table[AssociationRecord] = Table(resources, ASSOCIATION)

    @operation(CreateArtifact)
    def create_artifact(self, scope: Scope, request: CreateArtifact) -> Answer:
        """What has the same source is the same artifact."""
        with self._lock:
            if found := self._of_source(scope, request.source):
                raise ValidationException(guessed(f"Artifact {found.arn} with this source already exists."))
            name = uuid.uuid4().hex
            artifact = ArtifactRecord(scope=scope, name=name, arn=self._artifacts.arn(scope, name), request=request)
            self._artifacts.add(artifact, request.tags)
        return {"ArtifactArn": artifact.arn}

    @operation(DescribeArtifact)
    def describe_artifact(self, scope: Scope, request: DescribeArtifact) -> Answer:
        return self._artifacts.describe(scope, request.artifact_arn.rpartition("/")[2])

    @operation(ListArtifacts)
    def list_artifacts(self, scope: Scope, request: ListArtifacts) -> Answer:
        def is_asked_for(summary: dict[str, Any]) -> bool:
            return request.source_uri in (None, summary["Source"]["SourceUri"]) and request.artifact_type in (
                None,
                summary["ArtifactType"],
            )

        return self._artifacts.page(scope, request, is_asked_for)

    @operation(DeleteArtifact)
    def delete_artifact(self, scope: Scope, request: DeleteArtifact) -> Answer:
        with self._lock:
            if request.artifact_arn is not None:
                artifact = self._artifacts.require(scope, request.artifact_arn.rpartition("/")[2])
            elif request.source is None:
                raise ValidationException(guessed("Either ArtifactArn or Source must be provided."))
            elif (found := self._of_source(scope, request.source)) is None:
                raise ResourceNotFound(guessed("There is no artifact of this source."))
            else:
                artifact = found
            self._artifacts.remove(artifact)
        return {"ArtifactArn": artifact.arn}

    @operation(AddAssociation)
    def add_association(self, scope: Scope, request: AddAssociation) -> Answer:
        ends = request.source_arn, request.destination_arn
        if all(_kind(arn) in _OF_EXPERIMENTS for arn in ends):
            raise ValidationException(guessed("Two of experiments, trials and trial components cannot be associated."))
        with self._lock:
            for arn in ends:
                if not self._resources.tags.has(scope, arn):
                    raise _missing(arn)
            name = _edge(*ends)
            association = AssociationRecord(scope=scope, name=name, arn=name, request=request)
            self._associations.add(association)
        return {"SourceArn": request.source_arn, "DestinationArn": request.destination_arn}

    @operation(DeleteAssociation)
    def delete_association(self, scope: Scope, request: DeleteAssociation) -> Answer:
        ends = request.source_arn, request.destination_arn
        with self._lock:
            self._associations.remove(self._associations.require(scope, _edge(*ends)))
        return {"SourceArn": request.source_arn, "DestinationArn": request.destination_arn}

    @operation(ListAssociations)
    def list_associations(self, scope: Scope, request: ListAssociations) -> Answer:
        asked = request.source_arn, request.destination_arn, request.association_type

        def is_asked_for(summary: dict[str, Any]) -> bool:
            members = (summary["SourceArn"], summary["DestinationArn"], summary.get("AssociationType"))
            return all(wanted in (None, member) for wanted, member in zip(asked, members, strict=True))

        return self._associations.page(scope, request, is_asked_for)

    def _of_source(self, scope: Scope, source: dict[str, Any]) -> ArtifactRecord | None:
        return next((each for each in self._artifacts.of(scope) if each.request.source == source), None)


def _kind(arn: str) -> str:
    return arn.rpartition(":")[2].partition("/")[0]


def _edge(source: str, destination: str) -> str:
    return f"{source}>{destination}"
