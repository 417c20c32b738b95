"""The library's complaints, without what only its developers need."""

import re

import xgboost

VERSION: str = xgboost.__version__


def library_words(error: Exception) -> str:
    """Its sentence without the time, the source position and the C++ stack."""
    text = str(error).partition("\nStack trace")[0].strip()
    return re.sub(r"^\[[0-9:]+\] \S+:\d+: ", "", text)
