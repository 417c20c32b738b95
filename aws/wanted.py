"""What is to be deployed: all that a plan is made of, and a price can be told from."""

from dataclasses import dataclass
from typing import Literal, get_args

from aws.config import DeploySettings
from aws.dataset import Dataset
from aws.errors import InputError
from aws.steps.algorithms import Algorithm
from aws.steps.own_image import OwnImage

Auth = Literal["none", "api-key", "iam"]
AUTHS: tuple[Auth, ...] = get_args(Auth)
BURSTABLE = ("ml.t2.", "ml.t3.")


@dataclass(frozen=True)
class Wanted:
    """A deployment as a person asks for it: preflight.toml, the prepared data, and the command's options.

    ``image`` is our own container's, where that is trained. ``autoscale`` is the fewest and the most instances.
    """

    settings: DeploySettings
    algorithm: Algorithm
    dataset: Dataset
    image: OwnImage | None = None
    auth: Auth = "none"
    serverless: bool = False
    managed_policies: bool = False
    capture: bool = False
    asynchronous: bool = False
    autoscale: tuple[int, int] | None = None
    tune: bool = False


def require_together(
    settings: DeploySettings,
    *,
    serverless: bool,
    capture: bool,
    asynchronous: bool,
    autoscale: tuple[int, int] | None,
) -> None:
    """Raises ``InputError`` for ways to host that exclude each other, before anything is made.

    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html (its limits)
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
    """
    if capture and serverless:
        raise InputError("--capture and --serverless do not go together: AWS captures nothing of serverless endpoints.")
    if asynchronous and serverless:
        raise InputError("--async and --serverless do not go together: AWS has no endpoint that is both.")
    if asynchronous and capture:
        raise InputError(
            "--async and --capture do not go together: all that an asynchronous endpoint is asked and answers is in "
            "the bucket already, below async/."
        )
    if autoscale is None:
        return
    if serverless:
        raise InputError("--autoscale and --serverless do not go together: a serverless endpoint scales by itself.")
    if autoscale[0] == 0 and not asynchronous:
        raise InputError("--autoscale from 0 is for --async alone: other endpoints have at least one instance.")
    if settings.endpoint.instance_type.startswith(BURSTABLE):
        raise InputError(
            f"--autoscale is not for {settings.endpoint.instance_type}: AWS scales no burstable instances. Set another "
            "instance_type in [deploy.endpoint]."
        )
