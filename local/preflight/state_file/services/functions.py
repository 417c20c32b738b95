"""Lambda: functions with their code, versions, aliases and permissions."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from preflight.state_file.requests import Request, pages
from preflight.state_file.source import Source, only

LATEST = "$LATEST"
_SECONDS = 60
_OF_FUNCTIONS = (
    *("FunctionName", "Runtime", "Role", "Handler", "Description", "Timeout", "MemorySize", "Architectures"),
    *("DeadLetterConfig", "TracingConfig", "EphemeralStorage"),
)
_CHANGED = tuple(name for name in _OF_FUNCTIONS if name != "Architectures")


def requests(source: Source) -> Iterator[Request]:
    client = source.client("lambda")
    for listed in pages(client, "list_functions", "Functions"):
        name = listed["FunctionName"]
        versions = list(pages(client, "list_versions_by_function", "Versions", FunctionName=name))
        versions.sort(key=lambda each: (each["Version"] == LATEST, each["Version"].zfill(9)))
        if reason := _reason_to_leave(client, versions):
            source.left_out.append(f"the function {name}: {reason}")
        else:
            yield from _function(source, client, name, versions)


def _reason_to_leave(client: Any, versions: list[dict[str, Any]]) -> str | None:
    if [each["Version"] for each in versions[:-1]] != [str(number) for number in range(1, len(versions))]:
        return "a version of it was deleted, and others would get its number"
    if any(each.get("Layers") for each in versions):
        return "it has layers"
    if any(each["PackageType"] != "Zip" for each in versions):
        return "its code is an image"
    if any(not _code_url(client, each) for each in versions):
        return "its code is a folder of this machine"
    return None


def _function(source: Source, client: Any, name: str, versions: list[dict[str, Any]]) -> Iterator[Request]:
    previous: dict[str, Any] = {}
    for each in versions:
        with urllib.request.urlopen(_code_url(client, each), timeout=_SECONDS) as archive:
            code = source.keep([archive.read()])
        environment = only(each.get("Environment", {}), "Variables")
        if not previous:
            tags = client.list_tags(Resource=_unqualified(each["FunctionArn"])).get("Tags")
            made = {**only(each, *_OF_FUNCTIONS), "Environment": environment, "Tags": tags}
            yield source.request("lambda", "CreateFunction", Code={"ZipFile": code}, **made)
        else:
            if each["CodeSha256"] != previous["CodeSha256"]:
                yield source.request("lambda", "UpdateFunctionCode", FunctionName=name, ZipFile=code)
            changed = {**only(each, *_CHANGED), "Environment": environment}
            if changed != {
                **only(previous, *_CHANGED),
                "Environment": only(previous.get("Environment", {}), "Variables"),
            }:
                yield source.request("lambda", "UpdateFunctionConfiguration", **changed)
        if each["Version"] != LATEST:
            yield source.request("lambda", "PublishVersion", FunctionName=name)
        previous = each
    for alias in pages(client, "list_aliases", "Aliases", FunctionName=name):
        known = only(alias, "Name", "FunctionVersion", "Description", "RoutingConfig")
        yield source.request("lambda", "CreateAlias", FunctionName=name, **known)
        yield from _permissions(source, client, name, alias["Name"])
    for each in versions:
        yield from _permissions(source, client, name, None if each["Version"] == LATEST else each["Version"])
    reserved = client.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
    if reserved is not None:
        limit = {"ReservedConcurrentExecutions": reserved}
        yield source.request("lambda", "PutFunctionConcurrency", FunctionName=name, **limit)
    if list(pages(client, "list_event_source_mappings", "EventSourceMappings", FunctionName=name)):
        source.left_out.append(f"what polls queues for the function {name}")
    if list(pages(client, "list_function_url_configs", "FunctionUrlConfigs", FunctionName=name)):
        source.left_out.append(f"the URL of the function {name}")


def _permissions(source: Source, client: Any, name: str, qualifier: str | None) -> Iterator[Request]:
    place: dict[str, Any] = {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}
    try:
        policy = json.loads(client.get_policy(**place)["Policy"])
    except ClientError:  # it has none
        return
    for statement in policy["Statement"]:
        principal = statement["Principal"]
        conditions = {
            key.lower(): value for each in statement.get("Condition", {}).values() for key, value in each.items()
        }
        yield source.request(
            "lambda",
            "AddPermission",
            **place,
            StatementId=statement["Sid"],
            Action=statement["Action"],
            Principal=next(iter(principal.values())) if isinstance(principal, dict) else principal,
            SourceArn=conditions.get("aws:sourcearn"),
            SourceAccount=conditions.get("aws:sourceaccount"),
            PrincipalOrgID=conditions.get("aws:principalorgid"),
            FunctionUrlAuthType=conditions.get("lambda:functionurlauthtype"),
        )


def _code_url(client: Any, version: dict[str, Any]) -> str:
    """Empty if its code is no archive."""
    place = {"FunctionName": version["FunctionName"], "Qualifier": version["Version"]}
    location: str = client.get_function(**place)["Code"].get("Location", "")
    return location if location.startswith("http") else ""


def _unqualified(arn: str) -> str:
    return ":".join(arn.split(":")[:7])
