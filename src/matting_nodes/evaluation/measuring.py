"""Measure methods over data sets: Compare's metrics in the unknown region and the whole picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..arrays import Alpha, Image, Trimap
from ..errors import MattingError
from ..framework.run import run
from ..job import Job
from ..nodes.alpha_matte import alpha_matte
from ..nodes.compare import compare
from ..training.samples import Sample
from .methods import method_settings

REGIONS = ("unknown", "whole")
METRICS = ("SAD", "MSE", "MAD", "Grad", "Conn")


@dataclass(frozen=True)
class Row:
    """How far a method was from the truth on one sample, in one region.

    Parameters
    ----------
    method, sample : str
        What was measured.
    region : {"unknown", "whole"}
        The region that was measured.
    values : mapping
        The metrics, by the names in `METRICS`; SAD, Grad and Conn in thousands.
    """

    method: str
    sample: str
    region: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Matte:
    """A method's alpha beside what it was made from and what it should be."""

    method: str
    sample: str
    image: Image
    trimap: Trimap
    alpha: Alpha
    reference: Alpha


@dataclass(frozen=True)
class Evaluation:
    """All rows, and one line for each sample that could not be measured."""

    rows: tuple[Row, ...]
    problems: tuple[str, ...] = ()


def evaluate(
    samples: Sequence[Sample],
    methods: Sequence[str],
    *,
    device: str = "auto",
    job: Job | None = None,
    seen: Callable[[Matte, Mapping[str, float]], None] | None = None,
) -> Evaluation:
    """Measure methods over samples, as Compare measures.

    Parameters
    ----------
    samples : sequence of Sample
        Samples that have trimaps.
    methods : sequence of str
        Methods as `method_settings` reads them.
    device : {"auto", "cpu", "cuda", "mps"}
        Where networks run.
    job : Job, optional
        Progress and cancel.
    seen : callable(matte, values), optional
        Called with every matte and its metrics in the unknown region.

    Returns
    -------
    Evaluation
        Two rows for each method and sample. A sample on which a method fails is reported as a
        problem and left out for all methods, so that every mean covers the same samples.

    Raises
    ------
    ParameterError
        If a method or one of its parameters is invalid; raised before anything is computed.
    """
    job = job or Job()
    chosen = {text: method_settings(text) for text in methods}
    rows: list[Row] = []
    problems: list[str] = []
    for sample, share in job.each(samples):
        try:
            mattes = [
                _matte(sample, name, given, device, part)
                for (name, given), part in share.each(chosen.items())
            ]
            measured = [(matte, *measure(matte)) for matte in mattes]
        except MattingError as error:
            problems.append(f"{sample.name}: {error}")
            continue
        for matte, unknown, whole in measured:
            rows.append(Row(matte.method, sample.name, "unknown", unknown))
            rows.append(Row(matte.method, sample.name, "whole", whole))
            if seen:
                seen(matte, unknown)
    return Evaluation(tuple(rows), tuple(problems))


def measure(matte: Matte) -> tuple[dict[str, float], dict[str, float]]:
    """Return a matte's metrics in the unknown region and in the whole picture.

    Raises
    ------
    EmptyRegionError
        If nothing is unknown.
    """
    unknown = compare(matte.alpha, matte.reference, trimap=matte.trimap).table
    whole = compare(matte.alpha, matte.reference).table
    return _chosen(unknown), _chosen(whole)


def _chosen(table: Mapping[str, float]) -> dict[str, float]:
    return {name: table[name] for name in METRICS}


def means(rows: Sequence[Row]) -> dict[tuple[str, str], dict[str, float]]:
    """Return the mean of each metric over the samples, by region and method."""
    grouped: dict[tuple[str, str], list[Mapping[str, float]]] = {}
    for row in rows:
        grouped.setdefault((row.region, row.method), []).append(row.values)
    return {
        key: {name: sum(v[name] for v in values) / len(values) for name in METRICS}
        for key, values in grouped.items()
    }


def _matte(sample: Sample, name: str, given: dict[str, Any], device: str, job: Job) -> Matte:
    image, trimap, reference = sample.read_image(), sample.read_trimap(), sample.read_alpha()
    wires = {"image": image, "trimap": trimap}
    # Only networks take a device; the other methods run on the CPU.
    uses = (chosen := alpha_matte.chosen(given["method"])) and "device" in chosen.passed
    parameters = {**given, **({"device": device} if uses else {})}
    alpha = run(alpha_matte, wires, parameters, job).values["alpha"]
    return Matte(name, sample.name, image, trimap, alpha, reference)
