"""Whose request it is: the account, region and service that a signature's credential scope names.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html. Signatures are not checked. The
account is read from the access key as LocalStack reads it, so that all services of a stack see the same one.
"""

import base64
import binascii
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import botocore.loaders

from preflight.sagemaker.api.scope import Scope

DEFAULT_ACCOUNT = "000000000000"
DEFAULT_REGION = "us-east-1"

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/[^/]*/([^/]*)/([^/]*)/")
_KEY_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_KEY_OFFSET = 0x80_0000_0000  # what the account's part of a key is counted from


@dataclass(frozen=True, slots=True)
class Credential:
    """``region`` and ``service`` are as the client wrote them; the region may be none of AWS's."""

    access_key: str
    region: str
    service: str

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Self | None:
        """The one in ``authorization``; None without a signature. ``headers`` have their names in lower case."""
        match = _CREDENTIAL.search(headers.get("authorization", ""))
        return cls(match[1], match[2], match[3]) if match else None


def scope_of(credential: Credential | None) -> Scope:
    """The resources that ``credential`` is about; without one, those of the default account and region."""
    if credential is None:
        return Scope(DEFAULT_ACCOUNT, DEFAULT_REGION)
    return Scope(account_of(credential.access_key), credential.region or DEFAULT_REGION)


def account_of(access_key: str) -> str:
    """Twelve digits are an account; a key that LocalStack's STS made holds one; all else is the default account."""
    if re.fullmatch(r"\d{12}", access_key):
        return access_key
    if len(access_key) < 20 or not access_key.startswith(("LSIA", "LKIA")):
        return DEFAULT_ACCOUNT
    try:
        number = int.from_bytes(base64.b32decode(access_key[4:12]), byteorder="big") - _KEY_OFFSET
        account = 2 * number + (_KEY_ALPHABET.index(access_key[12]) >= 16)
    except (binascii.Error, ValueError):
        return DEFAULT_ACCOUNT
    return f"{account:012}" if 0 <= account < 10**12 else DEFAULT_ACCOUNT


def is_region(name: str) -> bool:
    """Whether AWS has a region of that name, in any partition, as far as botocore knows."""
    return name in _regions()


@functools.cache
def _regions() -> frozenset[str]:
    partitions = botocore.loaders.Loader().load_data("partitions")["partitions"]
    return frozenset(region for partition in partitions for region in partition["regions"])
