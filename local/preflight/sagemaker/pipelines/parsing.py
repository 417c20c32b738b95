"""What every part of a definition is, and AWS's words for one that is none."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_pascal

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.pipelines.expressions import parse

Parsed = Annotated[Any, AfterValidator(parse)]  # JSON whose expressions are objects


class Part(BaseModel):
    """A JSON object of a definition: members in AWS's spelling, and no others."""

    model_config = ConfigDict(frozen=True, alias_generator=to_pascal, extra="forbid", strict=True)


def unable(why: str) -> ValidationException:
    """The refusal of a definition."""
    return ValidationException(f"Unable to parse pipeline definition. {why}")


def unable_to_parse(error: ValidationError) -> ValidationException:
    """The first that is wrong, in AWS's words where they are known."""
    errors = error.errors(include_url=False)  # AWS meets an unknown member before it misses others
    first = min(errors, key=lambda each: each["type"] != "extra_forbidden")
    path = [str(part) for part in first["loc"]]
    match first["type"]:
        case "extra_forbidden":
            return unable(f"Cannot parse object, unknown property '{path[-1]}'.")
        case "list_type" | "tuple_type":
            return unable("Expecting start of Json Array.")
        case "model_type" | "dict_type" | "model_attributes_type":
            return unable("Expecting start of Json Object.")
    return unable(guessed(f"{'.'.join(path)}: {first['msg']}"))
