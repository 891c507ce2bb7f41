"""A node as a command: inputs are files, parameters are options."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ...arrays import Kind
from ...framework.parameters import Parameter
from ...framework.run import run
from ...framework.spec import Input, NodeSpec, Output
from ...framework.tables import as_csv, check_table, has_rows, write_table
from ...io import images
from ...models.costs import described
from . import _blocks
from ._commands import Commands
from ._progress import progress_bar


def add_command(commands: Commands, spec: NodeSpec) -> None:
    """Add the node's command to the parser.

    Parameters
    ----------
    commands : argparse's subparsers
        Where the command is added.
    spec : NodeSpec
        The node.
    """
    parser = commands.add_parser(
        spec.command,
        help=spec.summary,
        description=f"{spec.summary} {spec.help}".strip(),
        formatter_class=argparse.RawTextHelpFormatter,
    )
    for wire in spec.inputs:
        _add_input(parser, wire, positional=wire in _positional(spec))
    for output in spec.outputs:
        _add_output(parser, spec, output)
    _add_parameters(parser, spec)
    if spec.name == _blocks.NODE:
        _blocks.add_options(parser)
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    parser.set_defaults(run=lambda options: _run(spec, options))


def _positional(spec: NodeSpec) -> list[Input]:
    """Return the inputs without a flag: those that must be there, if only by default."""
    default = spec.chosen()
    needed = default.needs if default else ()
    return [wire for wire in spec.inputs if not wire.optional or wire.name in needed]


def _pictures(spec: NodeSpec) -> list[Output]:
    return [output for output in spec.outputs if output.kind.is_picture]


def _point(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in text.split(","))


def _percent(text: str) -> str:
    return text.replace("%", "%%")


def _add_input(parser: argparse.ArgumentParser, wire: Input, positional: bool) -> None:
    text = _percent(wire.help)
    if wire.kind is Kind.BOX:
        sides = ("LEFT", "TOP", "RIGHT", "BOTTOM")
        parser.add_argument(f"--{wire.name}", nargs=4, type=float, metavar=sides, help=text)
    elif wire.kind is Kind.POINTS:
        flag = f"--{wire.name.replace('_', '-')}"
        parser.add_argument(flag, nargs="+", type=_point, metavar="X,Y", help=text)
    elif positional:
        parser.add_argument(wire.name, nargs="?" if wire.optional else None, help=text)
    else:
        parser.add_argument(f"--{wire.name}", metavar="FILE", help=text)


def _add_output(parser: argparse.ArgumentParser, spec: NodeSpec, output: Output) -> None:
    if output.kind is Kind.TABLE:
        parser.add_argument(
            f"--{output.name}",
            dest=f"to_{output.name}",
            type=Path,
            metavar="FILE",
            help=f"where to write the {output.name}: .csv or .parquet (default: it is printed)",
        )
    if not output.kind.is_picture:
        return
    first = output is _pictures(spec)[0]
    flags = ["-o", "--output"] if first else [f"--output-{output.name}"]
    parser.add_argument(
        *flags,
        dest=f"to_{output.name}",
        metavar="FILE",
        # A node that also gives numbers is useful without its picture.
        required=first and len(_pictures(spec)) == len(spec.outputs),
        help=f"where to write the {output.name}: .png, .jpg or .tif",
    )
    if first:
        parser.add_argument(
            "--bits",
            type=int,
            choices=(8, 16, 32),
            help="bits a channel; by default 16 for an alpha as PNG, 32 for TIFF, else 8",
        )


def _add_parameters(parser: argparse.ArgumentParser, spec: NodeSpec) -> None:
    for parameter in spec.parameters:
        _add_parameter(parser, {"": parameter})
    if not spec.default_method:
        return
    listed = "\n".join(f"{name}: {_percent(described(m))}" for name, m in spec.methods.items())
    parser.add_argument(
        "--method",
        choices=list(spec.methods),
        default=spec.default_method,
        help=f"{listed}\n(default: {spec.default_method})",
    )
    sharing = _sharing(spec)
    for method in spec.methods.values():
        mine = [p.name for p in method.parameters if next(iter(sharing[p.name])) == method.name]
        above = [_option(p) for p in method.parameters if p.name not in mine]
        text = f"{method.help}\nIt takes, as above, {', '.join(above)}." if above else method.help
        title = f"{method.title} (--method {method.name})"
        group = parser.add_argument_group(title, text.strip())
        for name in mine:
            _add_parameter(group, sharing[name])


def _sharing(spec: NodeSpec) -> dict[str, dict[str, Parameter]]:
    """Return the parameters of a node's methods: by name, and under it by method."""
    sharing: dict[str, dict[str, Parameter]] = {}
    for method in spec.methods.values():
        for parameter in method.parameters:
            sharing.setdefault(parameter.name, {})[method.name] = parameter
    return sharing


def _add_parameter(parser: argparse._ActionsContainer, sharing: dict[str, Parameter]) -> None:
    """Add one option for the parameter of one or several methods that bears its name."""
    first = next(iter(sharing.values()))
    types = {parameter.type for parameter in sharing.values()}
    option, text = _option(first), _help(sharing)
    if types == {bool}:
        action = argparse.BooleanOptionalAction
        parser.add_argument(option, action=action, default=argparse.SUPPRESS, help=text)
        return
    # Whether the value suits the method that is asked for is checked before that runs.
    kind = first.type if len(types) == 1 else float if types == {int, float} else str
    choices = list(dict.fromkeys(c for p in sharing.values() for c in p.choices))
    listed = bool(choices) and all(p.choices for p in sharing.values())
    parser.add_argument(
        option,
        dest=first.name,
        type=kind,
        choices=choices if listed else None,
        default=argparse.SUPPRESS,
        metavar=None if listed else kind.__name__.upper(),
        help=text,
    )


def _help(sharing: dict[str, Parameter]) -> str:
    """Return what a parameter does, and for whom where that differs."""
    owners: dict[str, list[str]] = {}
    for method, parameter in sharing.items():
        text = _percent(f"{parameter.help}\n{parameter.rule} (default: {parameter.default})")
        owners.setdefault(text, []).append(method)
    if len(owners) == 1:
        return next(iter(owners))
    return "\n".join(f"{', '.join(methods)}: {text}" for text, methods in owners.items())


def _option(parameter: Parameter) -> str:
    return f"--{parameter.name.replace('_', '-')}"


def _run(spec: NodeSpec, options: argparse.Namespace) -> int:
    if spec.name == _blocks.NODE and _blocks.is_asked_for(options):
        return _blocks.run(options, _parameters(spec, options))
    targets = _targets(spec, options)
    inputs = {wire.name: _read(wire, getattr(options, wire.name)) for wire in spec.inputs}
    with progress_bar(spec.title, options.quiet) as job:
        result = run(spec, inputs, _parameters(spec, options), job)
    for output in spec.outputs:
        value = result.values[output.name]
        if output.kind is Kind.TABLE and output.name in targets:
            write_table(targets[output.name], value, force=True)
        elif output.kind is Kind.TABLE and has_rows(value):
            print(as_csv(value))
        elif output.kind is Kind.TABLE:
            for name, number in value.items():
                print(f"{name:8} {number:.6g}")
        elif output.name in targets:
            # `force` was settled before the work began.
            images.write(targets[output.name], value, output.kind, bits=options.bits, force=True)
    return 0


def _targets(spec: NodeSpec, options: argparse.Namespace) -> dict[str, Path]:
    targets = {}
    for output in spec.outputs:
        if path := getattr(options, f"to_{output.name}", None):
            check = check_table if output.kind is Kind.TABLE else images.check_writable
            targets[output.name] = check(path, options.force)
    return targets


def _read(wire: Input, given: Any) -> Any:
    return images.read(given, wire.kind) if given is not None and wire.kind.is_picture else given


def _parameters(spec: NodeSpec, options: argparse.Namespace) -> dict[str, object]:
    given = vars(options)
    names = [p.name for p in spec.parameters]
    for method in spec.methods.values():
        names += [p.name for p in method.parameters]
    parameters = {name: given[name] for name in names if name in given}
    return parameters | ({"method": options.method} if spec.default_method else {})
