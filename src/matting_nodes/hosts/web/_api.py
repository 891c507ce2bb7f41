from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ...arrays import Kind
from ...errors import ParameterError
from ...framework.run import Result, run
from ...framework.spec import NODES, Input, NodeSpec, Output
from ...io import images
from ...job import Job
from ...nodes import all_nodes
from ...nodes._cutout import cutout
from ._forms import read_form, read_inputs, read_parameters
from ._limits import Limits, RefusedError
from ._queue import Queue

TYPES = {"png": "image/png", "tiff": "image/tiff", "jpeg": "image/jpeg"}
CUTOUT_INPUTS = (
    Input("image", Kind.IMAGE, help="The picture."),
    Input("background", Kind.IMAGE, optional=True, help="A picture to lay the object over."),
    Input("mask", Kind.MASK, optional=True, help="A rough mask of the object, if there is one."),
)
CUTOUT_PARAMETERS = ("network", "device")

Work = Callable[[Job], Result]


def routes(limits: Limits, queue: Queue) -> list[Route]:
    """Return an address for each node, and one for the whole pipeline."""

    def endpoint(spec: NodeSpec, prepare: Callable[..., Work], outputs: tuple[Output, ...]) -> Any:
        async def answer(request: Request) -> Response:
            asked = Asked(request, spec, outputs)
            form = await read_form(request)

            def work(job: Job) -> Response:
                return asked.answer(prepare(spec, form, limits)(job))

            return await queue.run(work, _gone(request))

        return answer

    made = [
        Route(f"/api/{spec.name}", endpoint(spec, _node, spec.outputs), methods=["POST"])
        for spec in all_nodes()
    ]
    whole = endpoint(NODES["composite"], _cutout, CUTOUT_OUTPUTS)
    return [*made, Route("/api/cutout", whole, methods=["POST"])]


CUTOUT_OUTPUTS = (Output("image", Kind.IMAGE), Output("alpha", Kind.ALPHA))


async def _gone(request: Request) -> None:
    """Wait until the client has gone away; its form has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _node(spec: NodeSpec, form: Mapping[str, str | bytes], limits: Limits) -> Work:
    names = {wire.name for wire in spec.inputs}
    given = {name: value for name, value in form.items() if name not in names}
    parameters = read_parameters(spec, _texts(given))
    return lambda job: run(spec, read_inputs(spec.inputs, form, limits), parameters, job)


def _cutout(spec: NodeSpec, form: Mapping[str, str | bytes], limits: Limits) -> Work:
    names = {wire.name for wire in CUTOUT_INPUTS}
    texts = _texts({name: value for name, value in form.items() if name not in names})
    options: dict[str, Any] = {name: texts.pop(name) for name in CUTOUT_PARAMETERS if name in texts}
    parameters = read_parameters(spec, texts)

    def work(job: Job) -> Result:
        given = read_inputs(CUTOUT_INPUTS, form, limits)
        if "image" not in given:
            run(spec, {}, {}, job)  # says what is missing
        background = given.pop("background", None)
        found = cutout(**given, **options, job=job.part(0, 0.9))
        colors = found.picture[..., :3]
        inputs = {"image": given["image"], "alpha": found.alpha, "foreground": colors}
        behind = {"color": "transparent"} | parameters
        made = run(spec, inputs | {"background": background}, behind, job.part(0.9, 1))
        values = {"image": made.values["image"], "alpha": found.alpha}
        return Result(values, made.provenance | {"network": found.network})

    return work


def _texts(given: Mapping[str, str | bytes]) -> dict[str, str]:
    for name, value in given.items():
        if isinstance(value, bytes):
            raise ParameterError(
                f"{name[:100]} is a file", "No input has this name", "See /docs for the names"
            )
    return {name: str(value) for name, value in given.items()}


class Asked:
    """Which of a node's results a client wants, and as what.

    Parameters
    ----------
    request : Request
        Its query may hold `output`, `type` and `bits`.
    spec : NodeSpec
        The node.
    outputs : tuple of Output
        What it gives.
    """

    def __init__(self, request: Request, spec: NodeSpec, outputs: tuple[Output, ...]) -> None:
        query = request.query_params
        self._outputs = {output.name: output for output in outputs}
        self._output = _one_of("output", query, next(iter(self._outputs)), [*self._outputs, "all"])
        self._type = _one_of("type", query, "png", list(TYPES))
        bits = _one_of("bits", query, "auto", ["auto", "8", "16", "32"])
        self._bits: Any = None if bits == "auto" else int(bits)

    def answer(self, result: Result) -> Response:
        """Return the result as a file, an archive of all, or JSON for a table."""
        told = json.dumps(result.provenance, default=str)
        headers = {"Matting-Provenance": told[:4000]}
        if self._output == "all":
            stream = io.BytesIO()
            with zipfile.ZipFile(stream, "w") as archive:
                for name, output in self._outputs.items():
                    archive.writestr(*self._file(output, result.values[name]))
                archive.writestr("provenance.json", told)
            return Response(stream.getvalue(), headers=headers, media_type="application/zip")
        output, value = self._outputs[self._output], result.values[self._output]
        if output.kind is Kind.TABLE:
            return JSONResponse(value, headers=headers)
        name, data = self._file(output, value)
        headers["Content-Disposition"] = f'inline; filename="{name}"'
        return Response(data, headers=headers, media_type=TYPES[self._type])

    def _file(self, output: Output, value: Any) -> tuple[str, bytes]:
        if output.kind is Kind.TABLE:
            return f"{output.name}.json", json.dumps(value).encode()
        name = f"{output.name}.{self._type}"
        suffix = {"tiff": "tif", "jpeg": "jpg"}.get(self._type, self._type)
        stored = images.as_stored(value, output.kind)
        return name, images.encoded(f"{output.name}.{suffix}", stored, bits=self._bits)


def _one_of(name: str, query: Mapping[str, str], default: str, choices: list[str]) -> str:
    value = query.get(name, default)
    if value not in choices:
        raise RefusedError(
            400, f"{name} is {value[:60]!r}", f"It is one of {', '.join(choices)}", "Choose one"
        )
    return value
