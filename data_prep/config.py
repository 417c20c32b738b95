"""The ``[data]`` section of preflight.toml: what the columns of the table are."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
    model_validator,
)

from data_prep.errors import ConfigError
from data_prep.schema import Features, feature_names

VERSION = 1  # of schema.json

ProjectName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=30)]
Name = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TwoClasses(_Section):
    """A column of two values to predict: ``positive`` is 1, ``negative`` is 0."""

    column: Name
    kind: Literal["binary"] = "binary"
    positive: Name
    negative: Name

    @property
    def classes(self) -> list[str]:
        """The values, by their number."""
        return [self.negative, self.positive]

    @model_validator(mode="after")
    def _values_differ(self) -> Self:
        if self.positive == self.negative:
            raise ValueError("positive and negative are the same value")
        return self


class ManyClasses(_Section):
    """A column of three or more values to predict, numbered 0, 1, 2... in the order of ``classes``."""

    column: Name
    kind: Literal["multiclass"]
    classes: list[Name] = Field(min_length=3)

    @model_validator(mode="after")
    def _values_differ(self) -> Self:
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("classes holds one value twice")
        return self


class Quantity(_Section):
    """A column of numbers to predict."""

    column: Name
    kind: Literal["regression"]

    @property
    def classes(self) -> list[str]:
        """None: it is a number."""
        return []


def _label_kind(label: object) -> str:
    """Two classes if nothing is said."""
    return str(label.get("kind", "binary") if isinstance(label, dict) else getattr(label, "kind", "binary"))


Label = Annotated[
    Annotated[TwoClasses, Tag("binary")]
    | Annotated[ManyClasses, Tag("multiclass")]
    | Annotated[Quantity, Tag("regression")],
    Discriminator(_label_kind),
]


class Number(_Section):
    """A finite number. A null becomes the training rows' median."""

    name: Name
    kind: Literal["number"]
    minimum: float | None = None
    maximum: float | None = None
    engineered: list[Literal["value", "log1p"]] = Field(default=["value"], min_length=1)

    @model_validator(mode="after")
    def _log_exists(self) -> Self:
        if "log1p" in self.engineered and (self.minimum is None or self.minimum < 0):
            raise ValueError("log1p needs a minimum of 0 or more")
        return self


class Rating(_Section):
    """A whole number from 0 to ``highest``; 0 means 'not applicable'. A null becomes the median."""

    name: Name
    kind: Literal["rating"]
    highest: int = Field(default=5, ge=1, le=100)
    engineered: list[Literal["value", "one_hot"]] = Field(default=["one_hot"], min_length=1)


class Category(_Section):
    """One of ``values``, numbered 0, 1, 2... in their order."""

    name: Name
    kind: Literal["category"]
    values: list[Name] = Field(min_length=2)
    engineered: list[Literal["value", "one_hot"]] = Field(default=["one_hot"], min_length=1)

    @model_validator(mode="after")
    def _values_differ(self) -> Self:
        if len(set(self.values)) < len(self.values):
            raise ValueError("values holds one value twice")
        return self


Column = Annotated[Number | Rating | Category, Field(discriminator="kind")]


class Request(_Section):
    """How the deployed function is asked: a raw row goes under ``key``, its class comes back under ``result``."""

    key: Name = "record"
    result: Name = "label"

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        if self.key == "data" or self.result == "score":
            raise ValueError("'data' is the key of encoded features, and 'score' that of the score")
        return self


class DataConfig(_Section):
    """A table: its label, its feature columns in order, and the columns that are dropped if they are there.

    ``table`` is where it lies, from the configuration's folder on, for when none is given.
    """

    table: Path | None = None
    label: Label
    request: Request = Request()
    ignored: list[str] = []
    columns: list[Column] = Field(min_length=1)

    def description(self, features: Features) -> dict[str, Any]:
        """The schema but for what only the rows tell."""
        columns = [_described(column, features) for column in self.columns]
        return {
            "version": VERSION,
            "features": features,
            "feature_names": [name for column in columns for name in feature_names(column)],
            "label": self.label.model_dump() | {"classes": self.label.classes},
            "request": self.request.model_dump(),
            "ignored": self.ignored,
            "columns": columns,
        }

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [self.label.column, *self.ignored, *(column.name for column in self.columns)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"the column {name!r} is named twice")
        return self


def _described(column: Column, features: Features) -> dict[str, Any]:
    encodings = list(column.engineered) if features == "engineered" else ["value"]
    return column.model_dump(exclude={"engineered"}) | {"encodings": encodings}


class _Deploy(BaseModel):
    """[deploy], of which only the name matters here: the rest is checked by those who read it."""

    name: ProjectName = "preflight"


class _File(_Section):
    data: DataConfig
    deploy: _Deploy = _Deploy()


@dataclass(frozen=True)
class Project:
    """What data_prep knows of a project: what its table is and where, and the name its files are kept apart by."""

    name: str
    data: DataConfig
    table: Path | None


def load_project(path: Path) -> Project:
    """Read and check the ``[data]`` section of ``path``.

    Raises:
        ConfigError: the file is missing, is not TOML, or a key is wrong; the text names the key.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not a TOML file: {error}.") from error
    try:
        file = _File.model_validate(content)
        return Project(file.deploy.name, file.data, path.parent / file.data.table if file.data.table else None)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path}, {key}: {first['msg'].removeprefix('Value error, ')}.") from error
