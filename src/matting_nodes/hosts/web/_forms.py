from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from ...arrays import Kind
from ...errors import MissingInputError, ParameterError
from ...framework.parameters import Parameter
from ...framework.spec import Input, NodeSpec
from ...io import images
from ._limits import Limits, RefusedError

T = TypeVar("T")

FILES = {"weights", "file", "detector"}
"""Parameters that name a file: of strangers only the name of one in the server's own folders."""
WORDS = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}
FIELDS = 100


class InMemoryParser(MultiPartParser):
    """Starlette's parser, which would write files above a megabyte to disk."""

    spool_max_size = sys.maxsize


async def read_form(request: Request) -> dict[str, str | bytes]:
    """Return the fields of a multipart request: texts, and the content of files.

    Raises
    ------
    RefusedError
        If it is no such request.
    ParameterError
        If a field comes twice.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise RefusedError(
            415,
            f"The request's type is {request.headers.get('content-type', 'not given')[:100]!r}",
            "Pictures come as multipart/form-data",
            "Send a form, as in: curl -F image=@photo.jpg",
        )
    try:
        parser = InMemoryParser(
            request.headers,
            request.stream(),
            max_files=20,
            max_fields=FIELDS,
        )
        form = await parser.parse()
    except MultiPartException as error:
        raise RefusedError(
            400, error.message, "The form must be whole", "Send it again, with fewer fields"
        ) from error
    given: dict[str, str | bytes] = {}
    for name, value in form.multi_items():
        if name in given:
            raise ParameterError(
                f"{name[:100]} is given twice", "A field has one value", "Send it once"
            )
        given[name] = await value.read() if isinstance(value, UploadFile) else value
    await form.close()
    return given


def read_inputs(
    wires: tuple[Input, ...], given: Mapping[str, str | bytes], limits: Limits
) -> dict[str, Any]:
    """Return a node's inputs: pictures decoded, boxes and points from JSON.

    Parameters
    ----------
    wires : tuple of Input
        The inputs that the node has.
    given : mapping
        The fields of a form.
    limits : Limits
        How large a picture may be.

    Raises
    ------
    MattingError
    """
    return {w.name: _input(w, given[w.name], limits) for w in wires if w.name in given}


def _input(wire: Input, value: str | bytes, limits: Limits) -> Any:
    if wire.kind.is_picture:
        if isinstance(value, str) or not value:
            raise MissingInputError(
                f"{wire.name} is {'a text' if value else 'empty'}",
                "It is a picture file",
                f"Send one, as in: curl -F {wire.name}=@photo.png",
            )
        return read_picture(value, wire.name, wire.kind, limits)
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        example = "[160, 60, 530, 440]" if wire.kind is Kind.BOX else "[[10, 20], [30, 40]]"
        raise ParameterError(
            f"{wire.name} is {value[:60]!r}", f"It is JSON such as {example}", "Write it so"
        ) from error


def read_picture(data: bytes, name: str, kind: Kind, limits: Limits) -> NDArray[Any]:
    """Return the picture in a file's content.

    Parameters
    ----------
    data : bytes
        The content.
    name : str
        What the picture is called in errors.
    kind : Kind
        What it is.
    limits : Limits
        How large it may be.

    Raises
    ------
    FileError
    """
    return np.asarray(images.read_bytes(data, name, kind, limits.pixels))


def read_parameters(spec: NodeSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node's parameters from texts or JSON values; what they must be, `run` checks.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    given : mapping
        Values by name; those of a method that is not chosen are refused by `run`.

    Raises
    ------
    ParameterError
        If a file is named that is not in one of the server's folders.
    """
    method = str(given.get("method", "default"))
    chosen = spec.chosen(method)
    known = {p.name: p for p in spec.parameters + (chosen.parameters if chosen else ())}
    values = {n: read_value(known[n], v) if n in known else v for n, v in given.items()}
    for name in FILES & values.keys():
        if not re.fullmatch(r"([\w-][\w.-]*)?", str(values[name])):
            raise ParameterError(
                f"{name} is {str(values[name])[:60]!r}",
                "Here it is the name of a model that the server has, not a path",
                "Leave it empty for the published weights",
            )
    return values


def read_value(parameter: Parameter, value: Any) -> Any:
    """Return a text as the parameter's type; one that is none is left to be refused.

    Parameters
    ----------
    parameter : Parameter
        What is set.
    value : str, or what JSON holds
        What a client gave.
    """
    if not isinstance(value, str) or parameter.type is str:
        return value
    if parameter.type is bool:
        return WORDS.get(value.lower(), value)
    try:
        return parameter.type(value)
    except ValueError:
        return value
