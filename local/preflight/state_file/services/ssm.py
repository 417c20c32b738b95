"""Parameters, as they are now; none that is a secret."""

from collections.abc import Iterator

from preflight.state_file.requests import Request, pages
from preflight.state_file.source import Source, only


def requests(source: Source) -> Iterator[Request]:
    ssm = source.client("ssm")
    for described in pages(ssm, "describe_parameters", "Parameters"):
        name = described["Name"]
        if described["Type"] == "SecureString":
            source.left_out.append(f"the parameter {name}, a secret")
            continue
        value = ssm.get_parameter(Name=name)["Parameter"]["Value"]
        yield source.request(
            "ssm", "PutParameter", Value=value, **only(described, "Name", "Type", "Description", "Tier")
        )
