"""What is to be deployed: all that a plan is made of, and a price can be told from."""

from dataclasses import dataclass
from typing import Literal, get_args

from aws.config import DeploySettings
from aws.dataset import Dataset
from aws.steps.algorithms import Algorithm
from aws.steps.own_image import OwnImage

Auth = Literal["none", "api-key", "iam"]
AUTHS: tuple[Auth, ...] = get_args(Auth)


@dataclass(frozen=True)
class Wanted:
    """A deployment as a person asks for it: preflight.toml, the prepared data, and the command's options.

    ``image`` is our own container's, where that is trained.
    """

    settings: DeploySettings
    algorithm: Algorithm
    dataset: Dataset
    image: OwnImage | None = None
    auth: Auth = "none"
    serverless: bool = False
    managed_policies: bool = False
    capture: bool = False
    tune: bool = False
