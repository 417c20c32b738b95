"""Where calls go, and what follows from the region."""

import json
import re
from pathlib import Path

import pytest
from botocore.loaders import Loader

from aws.errors import InputError
from aws.steps.algorithms import image_uri
from aws.target import Target


def test_the_local_target_needs_no_configuration() -> None:
    target = Target.named("local", region=None, environ={})

    assert target.region == "us-east-1"
    assert target.client("s3").meta.endpoint_url == "http://localhost:4566"
    assert target.api_url("abc", "prod", "predict") == "http://localhost:4566/_aws/execute-api/abc/prod/predict"


def test_the_local_target_is_the_stack_of_the_port_that_up_takes() -> None:
    target = Target.named("local", region=None, environ={"PREFLIGHT_PORT": "4790"})

    assert target.client("s3").meta.endpoint_url == "http://localhost:4790"


@pytest.mark.parametrize("port", ["abc", "0", "65536", "٤٧٩٠"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(InputError, match=f"PREFLIGHT_PORT is '{port}', which is no port"):
        Target.named("local", region=None, environ={"PREFLIGHT_PORT": port})


def test_the_aws_target_goes_to_aws() -> None:
    target = Target.named("aws", region="cn-north-1", environ={})

    assert target.partition == "aws-cn"
    expected = "https://abc.execute-api.cn-north-1.amazonaws.com.cn/prod/predict"
    assert target.api_url("abc", "prod", "predict") == expected


@pytest.mark.parametrize("name", ["local", "aws"])
def test_an_endpoint_variable_that_leads_to_aws_is_refused(name: str) -> None:
    environ = {"AWS_ENDPOINT_URL": "https://sagemaker.eu-west-1.amazonaws.com"}

    with pytest.raises(InputError, match="an address of AWS: unset it and give --target aws"):
        Target.named(name, region="eu-west-1", environ=environ)


def test_the_aws_target_follows_the_endpoint_variable() -> None:
    target = Target.named("aws", region="us-east-1", environ={"AWS_ENDPOINT_URL": "http://localhost:4702/"})

    assert target.api_url("abc", "prod", "predict") == "http://localhost:4702/_aws/execute-api/abc/prod/predict"
    assert "not AWS, but http://localhost:4702" in target.where


@pytest.mark.parametrize(
    ("algorithm", "region", "image"),
    [
        ("linear-learner", "us-east-1", "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"),
        ("xgboost", "eu-west-1", "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:3.2-0"),
        ("xgboost", "cn-north-1", "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn/sagemaker-xgboost:3.2-0"),
        ("linear-learner", "us-isob-east-1", "765400339828.dkr.ecr.us-isob-east-1.sc2s.sgov.gov/linear-learner:1"),
    ],
)
def test_images_come_from_the_regions_registry(algorithm: str, region: str, image: str) -> None:
    assert image_uri(algorithm, region) == image


PARTITIONS = Loader().load_data("partitions")["partitions"]
REGISTRIES = json.loads(Path("aws/image_registries.json").read_text())["algorithms"]


@pytest.mark.parametrize("algorithm", ["linear-learner", "xgboost"])
def test_every_regions_registry_is_in_its_partitions_domain(algorithm: str) -> None:
    assert len(REGISTRIES[algorithm]["accounts"]) >= 37
    for region in REGISTRIES[algorithm]["accounts"]:
        [suffix] = {part["outputs"]["dnsSuffix"] for part in PARTITIONS if re.match(part["regionRegex"], region)}
        assert f".dkr.ecr.{region}.{suffix}/" in image_uri(algorithm, region)


def test_a_region_without_a_registry_is_refused() -> None:
    with pytest.raises(InputError, match="No registry of xgboost is known in the region mars-north-1"):
        image_uri("xgboost", "mars-north-1")
