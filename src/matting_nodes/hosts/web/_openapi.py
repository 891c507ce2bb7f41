from __future__ import annotations

from html import escape
from typing import Any

from ...arrays import Kind
from ...framework.parameters import Parameter
from ...framework.spec import NODES, Input, NodeSpec, Output
from ...nodes import all_nodes
from ...nodes._cutout import GRABCUT, NETWORKS
from ...version import __version__
from ._api import CUTOUT_INPUTS, CUTOUT_OUTPUTS, TYPES

JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}
ERRORS = {
    "400": "The form or the query cannot be understood.",
    "403": "A page of another site asked.",
    "413": "The request is too large.",
    "415": "It is no multipart form.",
    "422": "A picture or a parameter cannot be used.",
    "429": "Too many requests.",
    "503": "Too much is waiting.",
}
ERROR = {
    "type": "object",
    "required": ["error", "value", "rule", "fix"],
    "properties": {
        "error": {"type": "string", "description": "The kind of error."},
        "value": {"type": "string", "description": "What was given."},
        "rule": {"type": "string", "description": "What must hold."},
        "fix": {"type": "string", "description": "What to do."},
    },
}


def document() -> dict[str, Any]:
    """Return the description of the API as OpenAPI 3.1 has it."""
    paths = {
        f"/api/{spec.name}": _operation(
            spec.name,
            spec.title,
            f"{spec.summary} {spec.help}".strip(),
            spec.inputs,
            _parameters(spec),
            spec.outputs,
        )
        for spec in all_nodes()
    }
    paths["/api/cutout"] = _operation(
        "cutout",
        "Cutout",
        "The whole pipeline: the object of a photo on a transparent background, or on another.",
        CUTOUT_INPUTS,
        {
            "network": {
                "type": "string",
                "enum": ["auto", GRABCUT, *NETWORKS],
                "default": "auto",
                "description": "What finds the object; auto: a network that is there, or GrabCut.",
            },
            **_parameters(NODES["composite"]),
        },
        CUTOUT_OUTPUTS,
    )
    for name, text in (("health", "Whether it runs."), ("ready", "Whether it takes work now.")):
        answers = {"200": {"description": "Yes."}}
        paths[f"/{name}"] = {"get": {"summary": text, "responses": answers}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "matting-nodes",
            "version": __version__,
            "description": "Image matting over HTTP. Pictures live in memory while they are worked "
            "on, and nothing is kept.",
            "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
        },
        "servers": [{"url": "."}],
        "paths": paths,
        "components": {"schemas": {"Error": ERROR}},
    }


def _operation(
    name: str,
    title: str,
    text: str,
    wires: tuple[Input, ...],
    parameters: dict[str, Any],
    outputs: tuple[Output, ...],
) -> dict[str, Any]:
    fields = {wire.name: _field(wire) for wire in wires} | parameters
    required = [wire.name for wire in wires if not wire.optional]
    form: dict[str, Any] = {"type": "object", "properties": fields}
    if required:
        form["required"] = required
    picture = {"schema": {"type": "string", "contentMediaType": "image/png"}}
    content: dict[str, Any] = dict.fromkeys(TYPES.values(), picture)
    content["application/zip"] = {"schema": {"type": "string"}}
    if any(output.kind is Kind.TABLE for output in outputs):
        content["application/json"] = {"schema": {"type": "object"}}
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    answers: dict[str, Any] = {"200": {"description": "The result.", "content": content}}
    answers |= {code: {"description": t, "content": error} for code, t in ERRORS.items()}
    queries = {
        "output": [*(output.name for output in outputs), "all"],
        "type": list(TYPES),
        "bits": ["auto", "8", "16", "32"],
    }
    return {
        "post": {
            "operationId": name,
            "summary": title,
            "description": text,
            "parameters": [
                {"name": n, "in": "query", "schema": {"enum": v, "default": v[0]}}
                for n, v in queries.items()
            ],
            "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
            "responses": answers,
        }
    }


def _field(wire: Input) -> dict[str, Any]:
    if wire.kind.is_picture:
        kind: dict[str, Any] = {"type": "string", "format": "binary"}
    elif wire.kind is Kind.BOX:
        kind = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
    else:
        kind = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
    return kind | {"description": wire.help or f"The {wire.kind.value}."}


def _parameters(spec: NodeSpec) -> dict[str, Any]:
    """Return the parameters of a node and of its methods; several methods may share a name."""
    fields: dict[str, Any] = {}
    if spec.default_method:
        listed = "\n".join(f"{name}: {m.summary}" for name, m in spec.methods.items())
        fields["method"] = {
            "type": "string",
            "enum": list(spec.methods),
            "default": spec.default_method,
            "description": listed,
        }
    owners: dict[str, dict[str, Parameter]] = {}
    for method in spec.methods.values():
        for parameter in method.parameters:
            owners.setdefault(parameter.name, {})[method.name] = parameter
    for name, sharing in owners.items():
        kinds = [described(parameter) for parameter in sharing.values()]
        words = "\n".join(f"{method}: {p.help} {p.rule}." for method, p in sharing.items())
        same = kinds.count(kinds[0]) == len(kinds)
        fields[name] = (kinds[0] if same else {}) | {"description": words}
    return fields | {p.name: described(p) | {"description": p.help} for p in spec.parameters}


def described(parameter: Parameter) -> dict[str, Any]:
    """Return a parameter as a JSON schema.

    Parameters
    ----------
    parameter : Parameter
        Of a node or method.
    """
    schema: dict[str, Any] = {"type": JSON_TYPES[parameter.type], "default": parameter.default}
    if parameter.choices:
        schema["enum"] = list(parameter.choices)
    if parameter.slider:
        schema |= {"minimum": parameter.slider.minimum, "maximum": parameter.slider.maximum}
    return schema


def docs_page(api: dict[str, Any]) -> str:
    """Return the description as a page to read.

    Parameters
    ----------
    api : dict
        From `document`.
    """
    sections = "".join(
        _section(path, operation["post"])
        for path, operation in api["paths"].items()
        if "post" in operation
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>matting-nodes: the API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="page.css"><link rel="icon" href="icon.svg"></head>
<body class="docs"><main><h1>The API</h1>
<p>{escape(api["info"]["description"])} Machines read <a href="openapi.json">openapi.json</a>;
people use <a href="./">the page</a>.</p>
<pre>curl -F image=@photo.jpg http://127.0.0.1:8000/api/cutout -o cutout.png
curl -F image=@photo.jpg -F trimap=@trimap.png "http://127.0.0.1:8000/api/alpha_matte?bits=16" \\
  -o alpha.png</pre>
<p>Errors are JSON with <code>value</code>, <code>rule</code> and <code>fix</code>.</p>
{sections}</main></body></html>"""


def _section(path: str, operation: dict[str, Any]) -> str:
    form = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    rows = "".join(
        f'<tr><th scope="row"><code>{escape(name)}</code></th><td>{escape(_type(field))}'
        f"{' (needed)' if name in form.get('required', []) else ''}</td>"
        f"<td>{escape(field.get('description', ''))}</td></tr>"
        for name, field in form["properties"].items()
    )
    queries = "; ".join(
        f"<code>{escape(query['name'])}</code>: {escape(', '.join(query['schema']['enum']))}"
        for query in operation["parameters"]
    )
    return (
        f"<h2><code>POST {escape(path)}</code> {escape(operation['summary'])}</h2>"
        f"<p>{escape(operation['description'])}</p><p>In the address: {queries}.</p>"
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(path)}"><table>'
        f'<thead><tr><th scope="col">field</th><th scope="col">type</th><th scope="col">what</th>'
        f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _type(field: dict[str, Any]) -> str:
    kind = "picture" if field.get("format") == "binary" else str(field.get("type", "by method"))
    if "enum" in field:
        kind = ", ".join(field["enum"])
    elif "minimum" in field:
        kind += f", {field['minimum']} to {field['maximum']}"
    return kind + (f"; default {field['default']}" if field.get("default", "") != "" else "")
