"""The `[data]` section of preflight.toml: what the columns of the table are.

Another table is another file like it. Every key is checked before a row is read.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    ValidationError,
    model_validator,
)

from data_prep.errors import DataError

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def _distinct(values: list[str]) -> list[str]:
    doubled = sorted({value for value in values if values.count(value) > 1})
    if doubled:
        raise ValueError(f"'{doubled[0]}' is there twice")
    return values


Names = Annotated[list[str], AfterValidator(_distinct)]
NumberEncodings = Annotated[list[Literal["value", "log1p"]], Field(min_length=1), AfterValidator(_distinct)]
DiscreteEncodings = Annotated[list[Literal["value", "one_hot"]], Field(min_length=1), AfterValidator(_distinct)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Number(_Section):
    """Any finite number. `engineered` also offers its logarithm, for long tails such as delays and distances."""

    name: Text
    kind: Literal["number"]
    minimum: FiniteFloat | None = None
    maximum: FiniteFloat | None = None
    engineered: NumberEncodings = ["value"]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError("minimum must be below maximum")
        if "log1p" in self.engineered and (self.minimum is None or self.minimum < 0):
            raise ValueError("log1p needs a minimum of 0 or more")
        return self


class Rating(_Section):
    """A whole number from `minimum` to `maximum`, few enough for one feature each when engineered."""

    name: Text
    kind: Literal["rating"]
    minimum: int = 0
    maximum: int = 5
    engineered: DiscreteEncodings = ["one_hot"]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not 1 <= self.maximum - self.minimum <= 100:
            raise ValueError("maximum must be 1 to 100 above minimum")
        return self


class Category(_Section):
    """One of `values`, in the order that their numbers 0, 1, 2... shall have."""

    name: Text
    kind: Literal["category"]
    values: Annotated[list[Text], Field(min_length=2), AfterValidator(_distinct)]
    engineered: DiscreteEncodings = ["value"]


Column = Annotated[Number | Rating | Category, Field(discriminator="kind")]


class Label(_Section):
    """The column to predict: `positive` becomes 1, `negative` 0."""

    column: Text
    positive: Text
    negative: Text

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.positive == self.negative:
            raise ValueError("positive and negative must differ")
        return self


class DataConfig(_Section):
    """What the table holds. The order of `columns` is the order of the features."""

    label: Label
    columns: Annotated[list[Column], Field(min_length=1)]
    ignored: Names = []
    crossed_with: Names = []

    @property
    def needed(self) -> list[str]:
        """The names of all columns a table must have."""
        return [*(column.name for column in self.columns), self.label.column]

    @model_validator(mode="after")
    def _check(self) -> Self:
        _distinct(self.needed)
        for name in self.ignored:
            if name in self.needed:
                raise ValueError(f"'{name}' is ignored and used at once")
        categories = [column.name for column in self.columns if column.kind == "category"]
        for name in self.crossed_with:
            if name not in categories:
                raise ValueError(f"crossed_with names '{name}', which is not a column of kind category")
        return self


class _File(_Section):
    data: DataConfig
    deploy: dict[str, Any] = {}  # checked by aws/, which owns it


def load_config(path: Path) -> DataConfig:
    """The checked `[data]` section of the TOML file at `path`. Raises DataError with a sentence naming the key."""
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except FileNotFoundError:
        raise DataError(f"{path} is not there; --config names the configuration of the table.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not valid TOML: {str(error).rstrip('.')}.") from error
    try:
        return _File.model_validate(content).data
    except ValidationError as error:
        raise DataError(f"{path}: {_first_problem(error, content)}") from error


def _first_problem(error: ValidationError, content: dict[str, Any]) -> str:
    """One sentence about the first thing that is wrong, with the key as a person would look for it."""
    problem = error.errors(include_url=False)[0]
    location = list(problem["loc"])
    key = ""
    if location[:2] == ["data", "columns"] and len(location) > 2:
        column = content["data"]["columns"][location[2]]
        name = column.get("name") if isinstance(column, dict) else None
        key = f"data.columns[{location[2]}]" + (f" '{name}'" if name else "")
        # pydantic puts the column's kind between the index and the key
        location = [part for part in location[3:] if part not in ("number", "rating", "category")]
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f"{'.' if key else ''}{part}"
    message = problem["msg"].removeprefix("Value error, ").rstrip(".")
    if problem["type"] == "extra_forbidden":
        message = "there is no such key"
    elif problem["type"] in ("missing", "union_tag_not_found"):
        key += ".kind" if problem["type"] == "union_tag_not_found" else ""
        message = "this key is required"
    elif problem["type"] == "union_tag_invalid":
        key += ".kind"
        message = "must be 'number', 'rating' or 'category'"
    return f"{key}: {message[0].lower()}{message[1:]}."
