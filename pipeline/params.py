"""Sections of params.yaml, each checked against the frozen model that stands beside its consumer."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import BadInput, Problem, nearest


class Section(BaseModel):
    """Base of every section: frozen, and a key that is not a field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


S = TypeVar("S", bound="Section")


class _UniqueKeys(yaml.SafeLoader):
    """YAML keeps the last of two equal keys without a word; an analysis must not."""


def _mapping(loader: _UniqueKeys, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(k, deep=True) for k, _ in node.value]
    for key, (at, _) in zip(keys, node.value, strict=True):
        if not isinstance(key, Hashable):
            raise yaml.MarkedYAMLError(problem=f"{key!r} cannot be a key", problem_mark=at.start_mark)
        if keys.count(key) > 1:
            raise yaml.MarkedYAMLError(problem=f"the key '{key}' stands twice", problem_mark=at.start_mark)
    return {k: loader.construct_object(v, deep=True) for k, (_, v) in zip(keys, node.value, strict=True)}


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(path: Path) -> dict[str, Any]:
    """The whole file. Raises `BadInput` naming the line when it is not YAML."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as e:
        line = e.problem_mark.line + 1 if e.problem_mark else None
        raise BadInput(Problem(path.name, f"is not valid YAML: {e.problem}", "correct the line", line)) from None
    except yaml.YAMLError as e:
        raise BadInput(Problem(path.name, f"is not valid YAML: {e}", "correct the file")) from None
    except UnicodeDecodeError:
        raise BadInput(Problem(path.name, "is not UTF-8 text", "save it as UTF-8")) from None
    if not isinstance(content, dict):
        raise BadInput(Problem(path.name, "holds no sections", "restore the file from version control"))
    return content


def section(path: Path, name: str, model: type[S]) -> S:
    """One section as its model. Raises `BadInput` naming every wrong key and value."""
    content = load(path)
    if name not in content:
        raise BadInput(Problem(path.name, f"section '{name}' is missing", nearest(name, content) or "restore it"))
    return parse(path.name, name, content[name], model)


def sections(path: Path, name: str, model: type[S]) -> dict[str, S]:
    """A section that maps keys to rows of one kind, in the order of the file."""
    content = load(path)
    rows = content.get(name)
    if not isinstance(rows, dict) or not rows:
        raise BadInput(Problem(path.name, f"section '{name}' is missing or empty", "add at least one row"))
    return {str(key): parse(path.name, f"{name}.{key}", row, model) for key, row in rows.items()}


def parse(file: str, place: str, content: Any, model: type[S]) -> S:
    """Check one mapping against its model."""
    try:
        return model.model_validate(content)
    except ValidationError as e:
        raise BadInput(_problem(file, place, error, model) for error in e.errors()) from None


def _problem(file: str, place: str, error: Any, model: type[BaseModel]) -> Problem:
    key = ".".join([place, *(str(part) for part in error["loc"])])
    holder = _inner(model, error["loc"][:-1])
    fields, name = holder.model_fields, str(error["loc"][-1]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        hint = nearest(name, fields)
        return Problem(file, f"'{key}' is not a known key", hint or "remove it", allowed=", ".join(fields))
    nested = _inner(holder, (name,))
    if error["type"] in ("missing", "model_type") and nested is not holder:
        allowed = ", ".join(nested.model_fields)
        return Problem(file, f"the section '{key}' is missing", "restore it from version control", allowed=allowed)
    if error["type"] == "missing":
        return Problem(file, f"'{key}' is missing", f"add it, or restore {file} from version control")
    words = _WORDS.get(str(error["type"]), str(error["msg"]).removeprefix("Value error, "))
    fix = f"see the comment beside it in {file}"
    return Problem(file, f"'{key}': {words[:1].lower()}{words[1:]}", fix, value=str(error["input"]))


_WORDS = {"tuple_type": "must be a list", "float_parsing": "must be a number", "int_parsing": "must be a whole number"}


def _inner(model: type[BaseModel], path: tuple[str | int, ...]) -> type[BaseModel]:
    """The model of a nested section."""
    for part in path:
        field = model.model_fields.get(str(part))
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            break
        model = field.annotation
    return model
