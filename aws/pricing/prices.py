"""The price table that ships with the project, and how it is read anew from the AWS Price List API.

Every price has a key (``hosting.ml.m5.large``), a unit, a date and a source. The Price List API is free of charge; it
answers in us-east-1 for all regions. https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import boto3

from aws.errors import InputError

PATH = Path(__file__).with_name("prices.json")
API_REGION = "us-east-1"
TABLE_REGION = "us-east-1"  # whose prices ship with the project


@dataclass(frozen=True)
class Price:
    """US dollars for one ``unit``, as read on the day ``read`` from ``source``."""

    usd: float
    unit: str
    read: str
    source: str


@dataclass(frozen=True)
class Offer:
    """Where the Price List API has a price: the usage type, without its region's prefix, is a regular expression.

    ``per`` divides what the API says into the table's unit: serverless compute comes by memory size.
    """

    service: str
    usage_type: str
    filters: tuple[tuple[str, str], ...] = ()
    per: float = 1


# The API's units are the table's but where ``per`` says otherwise.
OFFERS = {
    "training.volume": Offer("AmazonSageMaker", r"Train:VolumeUsage\.gp2"),
    "hosting.data": Offer("AmazonSageMaker", r"Hst:Data-Bytes-Out"),
    "serverless.compute": Offer("AmazonSageMaker", r"ServerlessInf:Mem-1GB"),
    "serverless.data": Offer("AmazonSageMaker", r"ServerlessInf:Data-Bytes-Out|Hst:Data-Bytes-Out"),
    "lambda.requests": Offer("AWSLambda", r"Request"),
    "lambda.compute": Offer("AWSLambda", r"Lambda-GB-Second"),
    "api.requests": Offer("AmazonApiGateway", r"ApiGatewayRequest"),
    "transfer.out": Offer("AWSDataTransfer", r"DataTransfer-Out-Bytes", (("toLocation", "External"),)),
    "s3.storage": Offer("AmazonS3", r"TimedStorage-ByteHrs"),
    "s3.put": Offer("AmazonS3", r"Requests-Tier1"),
    "cloudwatch.alarm": Offer("AmazonCloudWatch", r"CW:AlarmMonitorUsage"),
    "logs.ingested": Offer("AmazonCloudWatch", r"DataProcessing-Bytes"),
    "logs.stored": Offer("AmazonCloudWatch", r"TimedStorage-ByteHrs"),
}
INSTANCE_USAGE = {"training": "Train", "hosting": "Host", "transform": "Tsform", "processing": "Processing"}
REGION_PREFIX = r"([A-Z]{2,4}\d?-)?"  # USE1-, EU-, APN1-; us-east-1's own types often have none


class PriceTable:
    """Prices of one region by key: its own where the table has them, else those of us-east-1."""

    def __init__(self, region: str, own: Mapping[str, Price], others: Mapping[str, Price]) -> None:
        self.region = region
        self._own = own
        self._prices = {**others, **own}

    @classmethod
    def load(cls, region: str, path: Path = PATH) -> "PriceTable":
        """Raises ``InputError`` if AWS has no such region."""
        _require_region(region)
        own, others = (
            {key: Price(**price) for key, price in _document(path)["regions"].get(name, {}).items()}
            for name in (region, TABLE_REGION)
        )
        return cls(region, own, others)

    def __getitem__(self, key: str) -> Price:
        try:
            return self._prices[key]
        except KeyError:
            raise InputError(
                f"The price table has no price of {key} in {self.region}. "
                f"Read it from AWS: python aws/cost.py --refresh --region {self.region} (needs AWS credentials)."
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._prices)

    @property
    def whose(self) -> str:
        """Whose prices these are, for a person, where not all of them are the region's own: else nothing."""
        if self._prices.keys() == self._own.keys():
            return ""
        return f"{'partly ' if self._own else ''}at {TABLE_REGION}'s prices"

    @property
    def oldest(self) -> str:
        """The date of the price that was read longest ago."""
        return min(price.read for price in self._prices.values())


def refresh(client: Any, region: str, instance_keys: Iterable[str], path: Path = PATH) -> list[str]:
    """Read every price of ``region`` from the Price List API into the table. Returns the keys it did not answer for.

    What is not answered keeps its old price and date. ``instance_keys`` are such as ``hosting.ml.m5.large``.
    """
    document = _document(path)
    prices: dict[str, Any] = dict(document["regions"].get(region, {}))
    missing = []
    for key, offer in {**{key: _instance_offer(key) for key in instance_keys}, **OFFERS}.items():
        found = _read(client, region, offer)
        if found is None:
            missing.append(key)
            continue
        usd, unit, usage_type = found
        unit = prices.get(key, {}).get("unit") or document["regions"][TABLE_REGION].get(key, {}).get("unit", unit)
        source = f"AWS Price List API, {offer.service} {usage_type}"
        prices[key] = asdict(Price(usd / offer.per, unit, date.today().isoformat(), source))
    document["regions"][region] = prices
    path.write_text(_written(document), encoding="utf-8")
    return missing


def _require_region(region: str) -> None:
    """Raises ``InputError`` if AWS, in any of its partitions, has no SageMaker in a region of that name."""
    session = boto3.Session()
    partitions = session.get_available_partitions()
    known = {name for partition in partitions for name in session.get_available_regions("sagemaker", partition)}
    if region not in known:
        near = [name for name in sorted(known) if name.partition("-")[0] == region.partition("-")[0]]
        listed = ", ".join(near or sorted(known))
        raise InputError(f"There is no region {region!r} with SageMaker. There are: {listed}.")


def _instance_offer(key: str) -> Offer:
    use, _, instance_type = key.partition(".")
    return Offer("AmazonSageMaker", f"{INSTANCE_USAGE[use]}:{re.escape(instance_type)}")


def _read(client: Any, region: str, offer: Offer) -> tuple[float, str, str] | None:
    """Price, unit and usage type of the first tier, or None if the API has no such offer."""
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in offer.filters]
    place = "fromRegionCode" if offer.service == "AWSDataTransfer" else "regionCode"
    filters.append({"Type": "TERM_MATCH", "Field": place, "Value": region})
    wanted = re.compile(REGION_PREFIX + f"({offer.usage_type})")
    pages = client.get_paginator("get_products").paginate(ServiceCode=offer.service, Filters=filters)
    for product in (json.loads(item) for page in pages for item in page["PriceList"]):
        usage_type = product["product"]["attributes"].get("usagetype", "")
        if wanted.fullmatch(usage_type):
            for usd, unit in _first_tiers(product):
                return usd, unit, usage_type
    return None


def _first_tiers(product: Mapping[str, Any]) -> Iterator[tuple[float, str]]:
    """What the first unit costs: a tiered price is a list, in no order."""
    for term in product["terms"].get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            usd = float(dimension["pricePerUnit"].get("USD", 0))
            if usd and float(dimension.get("beginRange") or 0) == 0:
                yield usd, dimension["unit"]


def _document(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _written(document: Mapping[str, Any]) -> str:
    """The table as text, one price a line, so that a change of prices reads well as a change of the file."""
    regions = []
    for region, prices in document["regions"].items():
        lines = ",\n".join(f"      {json.dumps(key)}: {json.dumps(price)}" for key, price in prices.items())
        regions.append(f"    {json.dumps(region)}: {{\n{lines}\n    }}")
    body = ",\n".join(regions)
    return f'{{\n  "note": {json.dumps(document["note"])},\n  "regions": {{\n{body}\n  }}\n}}\n'
