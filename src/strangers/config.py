"""The base class of all configurations that are read from files, and messages about invalid ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from strangers.errors import UsageError, did_you_mean

MAX_SHOWN = 60
"""Characters of a wrong value that a message repeats."""

MAX_COUNT = 10**15
"""Most images, faces or parameters that a file may state; more are damage."""

Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
Positive = Annotated[int, Field(ge=1, le=MAX_COUNT)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Configuration(BaseModel):
    """A frozen value with exactly the declared fields, of exactly the declared types; numbers are finite.

    Attributes:
        short_forms: names of fields by what people call them, for advice.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    short_forms: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise UsageError(invalid(type(self), error)) from None

    # Inner values are then validated without __init__, so that an error names their place.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def unknown_field(cls, name: str) -> str:
        """Return a message about a field that does not exist, with the nearest ones."""
        advice = did_you_mean(name, cls.model_fields, short_forms=cls.short_forms)
        return f"{cls.__name__} has no field {name!r}. {advice}".rstrip()

    def __setattr__(self, name: str, value: Any) -> None:
        kind = type(self).__name__
        raise UsageError(f"A {kind} cannot be changed; use .replace({name}=...), which returns another.")

    def replace(self, **changes: Any) -> Self:
        """Return the value with some fields changed. Raises UsageError for a field or value that is wrong."""
        return type(self)(**(dict(self) | changes))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; `update` changes fields as `replace` does."""
        copy = super().model_copy(deep=deep)
        return copy.replace(**update) if update else copy


_MESSAGES = {
    "missing": "is missing",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is too large",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be finite",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must have named fields",
    "model_type": "must have named fields",
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be below {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "value_error": "{error}",
    "json_invalid": "must be JSON",
}
"""Messages by the type of an error, with places for its context."""

_TAGS = {"float", "int", "constrained-float"}
"""Parts of an error's place that name a kind of value, not a field; so do the names of classes."""


def invalid(kind: type[BaseModel], error: ValidationError) -> str:
    """Return sentences that say why a value of this class is not valid."""
    words = re.sub("(?<=[a-z])(?=[A-Z])", " ", kind.__name__).lower()
    return f"The {words} is not valid: {explain(kind, error)}"


def explain(kind: type[BaseModel], error: ValidationError) -> str:
    """Return sentences about the first error, as "batch must be at least 2 (got 1)."."""
    errors = error.errors(include_url=False)
    found = next((each for each in errors if not _is_other_kind(each)), errors[0])
    names = [part for part in found["loc"] if not _is_tag(part)]
    path = ".".join(map(str, names))
    if found["type"] == "extra_forbidden":
        inner = _class_at(kind, names[:-1])
        if issubclass(inner, Configuration):
            return inner.unknown_field(str(names[-1]))
        return f"{path} is not a known field. {did_you_mean(str(names[-1]), inner.model_fields)}".rstrip()
    if found["type"] == "value_error":
        text = str(found["ctx"]["error"])
        return _sentence(f"{path}: {text}" if path else text)
    message = _MESSAGES.get(found["type"], "").format(**found.get("ctx", {}))
    text = f"{path or 'it'} {message or re.sub('^[A-Z][a-z]* should', 'must', found['msg'])}"
    if found["type"] in ("missing", "json_invalid"):
        return _sentence(text)
    shown = repr(found["input"])
    text += f" (got {shown if len(shown) <= MAX_SHOWN else shown[:MAX_SHOWN] + '...'})."
    if found["type"] == "literal_error" and isinstance(found["input"], str):
        known = re.findall("'([^']*)'", found["ctx"]["expected"])
        advice = did_you_mean(found["input"], known)
        text += f" {advice}" if advice.endswith("?") else ""
    return text


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."


def _class_at(kind: type[BaseModel], names: Sequence[int | str]) -> type[BaseModel]:
    """Return the class of the value in the field of these nested names."""
    for name in names:
        field = kind.model_fields.get(str(name))
        kind = next(_classes(field.annotation), kind) if field else kind
    return kind


def _classes(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _classes(part)


def _is_other_kind(error: ErrorDetails) -> bool:
    """Return whether a value with fields is said to be no number, where it may be either."""
    return error["type"] == "float_type" and isinstance(error["input"], Mapping)


def _is_tag(part: int | str) -> bool:
    return isinstance(part, str) and (part in _TAGS or part[:1].isupper() or part.startswith("function-"))
