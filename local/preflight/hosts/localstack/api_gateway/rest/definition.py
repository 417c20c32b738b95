"""A deployed REST API and its stage, as plain data: read once from what the control plane describes, then remembered.

The names are those of API Gateway's own resources:
https://docs.aws.amazon.com/apigateway/latest/api/API_Operations.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_TIMEOUT_MILLISECONDS = 29_000
MIN_TIMEOUT_MILLISECONDS = 50

Described = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class IntegrationResponse:
    """What becomes of an answer of the endpoint; without templates (None) its body passes unchanged."""

    status: str
    selection_pattern: str
    parameters: Mapping[str, str]
    templates: Mapping[str, str] | None
    content_handling: str | None

    @classmethod
    def read(cls, described: Described) -> "IntegrationResponse":
        return cls(
            status=str(described["statusCode"]),
            selection_pattern=described.get("selectionPattern") or "",
            parameters=described.get("responseParameters") or {},
            templates=described.get("responseTemplates") or None,
            content_handling=described.get("contentHandling"),
        )


@dataclass(frozen=True, slots=True)
class Integration:
    """Where a method's requests go."""

    type: str
    uri: str
    http_method: str
    credentials: str
    parameters: Mapping[str, str]
    templates: Mapping[str, str]
    passthrough: str
    content_handling: str | None
    timeout_seconds: float
    responses: tuple[IntegrationResponse, ...]

    @classmethod
    def read(cls, described: Described) -> "Integration":
        responses = described.get("integrationResponses") or {}
        return cls(
            type=described["type"],
            uri=described.get("uri") or "",
            http_method=described.get("httpMethod") or "",
            credentials=described.get("credentials") or "",
            parameters=described.get("requestParameters") or {},
            templates=described.get("requestTemplates") or {},
            passthrough=described.get("passthroughBehavior") or "WHEN_NO_MATCH",
            content_handling=described.get("contentHandling"),
            timeout_seconds=int(described.get("timeoutInMillis") or MAX_TIMEOUT_MILLISECONDS) / 1000,
            responses=tuple(IntegrationResponse.read(response) for response in responses.values()),
        )

    @property
    def is_lambda(self) -> bool:
        return self.type in ("AWS", "AWS_PROXY") and ":lambda:path/" in self.uri and "/functions/" in self.uri

    @property
    def is_known(self) -> bool:
        """Whether it is carried out here."""
        return self.is_lambda or self.type == "MOCK"


@dataclass(frozen=True, slots=True)
class Validator:
    """A request validator."""

    body: bool
    parameters: bool


@dataclass(frozen=True, slots=True)
class Method:
    """One verb of a resource; ``verb`` may be ANY."""

    verb: str
    authorization: str
    authorizer_id: str
    key_required: bool
    validator: Validator | None
    parameters: Mapping[str, bool]
    models: Mapping[str, str]
    responses: frozenset[str]
    integration: Integration | None

    @classmethod
    def read(cls, described: Described, validators: Mapping[str, Described]) -> "Method":
        found = validators.get((described.get("requestValidatorId") or "").strip())
        validator = found and Validator(
            bool(found.get("validateRequestBody")), bool(found.get("validateRequestParameters"))
        )
        integration = described.get("methodIntegration")
        return cls(
            verb=described["httpMethod"],
            authorization=described.get("authorizationType") or "NONE",
            authorizer_id=described.get("authorizerId") or "",
            key_required=bool(described.get("apiKeyRequired")),
            validator=validator or None,
            parameters={
                name: str(required).lower() == "true"
                for name, required in (described.get("requestParameters") or {}).items()
            },
            models=described.get("requestModels") or {},
            responses=frozenset(described.get("methodResponses") or {}),
            integration=Integration.read(integration) if integration else None,
        )


@dataclass(frozen=True, slots=True)
class Resource:
    """A path template and its methods by verb."""

    id: str
    path: str
    methods: Mapping[str, Method]


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """What the API says instead of one of API Gateway's own answers."""

    status: str
    parameters: Mapping[str, str]
    templates: Mapping[str, str]

    @classmethod
    def read(cls, described: Described) -> "GatewayResponse":
        return cls(
            status=str(described.get("statusCode") or ""),
            parameters=described.get("responseParameters") or {},
            templates=described.get("responseTemplates") or {},
        )


@dataclass(frozen=True, slots=True)
class Api:
    """A REST API as it was when it was deployed."""

    id: str
    account: str
    region: str
    key_source: str
    policy: str
    binary_media_types: tuple[str, ...]
    gateway_responses: Mapping[str, GatewayResponse]
    models: Mapping[str, str]
    authorizers: Mapping[str, Described]
    resources: tuple[Resource, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a deployment is reached, with what holds without another deployment."""

    name: str
    deployment_id: str
    variables: Mapping[str, str] = field(default_factory=dict)
    method_settings: Mapping[str, Described] = field(default_factory=dict)
    access_log: Mapping[str, str] = field(default_factory=dict)
    is_canary: bool | None = None

    def settings(self, path: str, verb: str) -> Described:
        """The settings of one method, or of all: ``*/*``."""
        escaped = path.replace("/", "~1")
        for key in (f"{escaped}/{verb}", f"{path.lstrip('/')}/{verb}"):
            if key in self.method_settings:
                return self.method_settings[key]
        return self.method_settings.get("*/*") or {}
