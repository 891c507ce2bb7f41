"""Pictures of any size, and stacks, matted block by block into an OME-Zarr pyramid."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import EmptyRegionError, FileError, MattingError, ParameterError, SizeMismatchError
from ..framework.cluster import connected
from ..framework.normalization import Mode
from ..io.ome_zarr import (
    Planes,
    Version,
    create,
    fill_pyramid,
    needs_zarr,
    open_planes,
    same_scale,
)
from ..job import Job
from ..version import __version__
from .plan import PARTIAL, Plan, whole_file, write_array
from .running import Runner, here, on_dask, stage

SIDE, HALO, FACTOR = 2048, 128, 4
"""Sides of blocks and how far around them is solved, in pixels; how many times smaller the coarse
plane is."""
CHUNK = 1024
"""Sides of the chunks of a result, in pixels."""
RESULT, MADE = "result.ome.zarr", "result.made"
"""Where the pyramid is until it is complete, and what is there once it was created."""
TYPES = {8: np.uint8, 16: np.uint16, 32: np.float32}
"""Types of a result's values by their bits."""


def matte_zarr(
    image: Any,
    trimap: Any,
    output: str | os.PathLike[str],
    job: Job | None = None,
    *,
    method: str = "sampled_propagation",
    normalization: Mode = "auto",
    block: int = SIDE,
    halo: int = HALO,
    bits: Literal[8, 16, 32] = 32,
    version: Version = "0.5",
    dask: Any = None,
    force: bool = False,
    **parameters: Any,
) -> Path:
    """Matte a picture or stack of any size, block by block, into an OME-Zarr pyramid.

    Work that was cancelled or killed goes on where it stopped when it is called again: what is done
    lies in a folder beside the output, whose name ends in `.parts`, until the output is complete.

    Parameters
    ----------
    image : path, or zarr, dask or NumPy array
        An OME-Zarr image (0.4 or 0.5), a Zarr array, or an array of (…, y, x) or (…, y, x, c).
    trimap : path, or zarr, dask or NumPy array
        The same without colors, one for each plane or one for all.
    output : path
        Where the pyramid is written; it appears there when it is complete.
    job : Job, optional
        Reports progress, and stops the work when it is cancelled.
    method : str
        A method of Alpha Matte. Planes larger than a block are solved by sampled propagation.
    normalization : str
        As for nodes.
    block : int, pixels
        Side of the blocks, a multiple of 16. Memory grows with its square.
    halo : int, pixels
        How far around each block is solved with it.
    bits : {8, 16, 32}
        Bits of the matte's values; 32 are floats.
    version : {"0.4", "0.5"}
        Of OME-Zarr.
    dask : str or distributed.Client, optional
        A cluster that does the blocks: its scheduler's address, or a client.
    force : bool
        Whether an existing output may be replaced, and parts of other work with it.
    **parameters
        Of the method, for planes that are no larger than a block.

    Returns
    -------
    Path
        The output.

    Raises
    ------
    MattingError
        If something does not fit, cannot be read or cannot be written.
    Cancelled
        If the job was cancelled; what is done is kept.

    Notes
    -----
    The color samples, their weights and the links between similar colors are those of one solve of
    the plane. The equations are solved block by block, as in a restricted additive Schwarz method
    with a coarse space (Cai and Sarkis, SIAM J. Sci. Comput. 21, 1999): first with what a coarse
    solution of the plane says beyond a block's halo, then with what the other blocks found.
    """
    job = (job or Job()).forward()
    needs_zarr()
    picture, known = open_planes(image), open_planes(trimap, "trimap", colors=False)
    folder = Path(f"{os.fspath(output)}.parts")
    if (folder / MADE).exists() and not (folder / RESULT).exists():
        _discard(folder)  # of work that was killed when the result had just got its name
    target = _checked(picture, known, Path(output), block, halo, bits, version, force)
    work = _Work(
        picture, known, folder, method, normalization, block, halo, parameters, bits, version
    )
    client = connected(dask) if isinstance(dask, str) else dask
    run = on_dask(client) if client is not None else here
    try:
        _begin(work, force)
        work.write(run, job)
        if target.exists():
            shutil.rmtree(target)
        work.result.replace(target)
        _discard(folder)
    except OSError as error:
        raise FileError(
            f"{error.filename or folder} cannot be written: {error.strerror or error}",
            "Until a matte is complete, some 100 bytes are kept for each unknown pixel and 5 for "
            "each of all pixels, beside it",
            "Make room and see that the folder is yours to write, or choose a target on another "
            "disk, and run again: what is done is kept",
        ) from error
    finally:
        if isinstance(dask, str):
            client.close()
    return target


def _checked(
    picture: Planes,
    known: Planes,
    target: Path,
    side: int,
    halo: int,
    bits: int,
    version: str,
    force: bool,
) -> Path:
    if picture.shape != known.shape:
        raise SizeMismatchError(
            f"The image has {picture.shape[1]} × {picture.shape[0]} pixels and the trimap "
            f"{known.shape[1]} × {known.shape[0]}",
            "Both have one size",
            "Give the trimap of this image, at its full size",
        )
    same_scale(picture, known)
    if known.stack_shape not in ((), picture.stack_shape):
        raise SizeMismatchError(
            f"The image has {picture.stack_shape or 'no'} planes and the trimap "
            f"{known.stack_shape}",
            "A trimap has one plane for each of the image's, or one for all",
            "Give the trimap of this image",
        )
    rules = {
        "block": (side, side >= 64 and side % 16 == 0, "a multiple of 16, at least 64", "2048"),
        "halo": (halo, 0 <= halo <= side, "0 to the side of a block", "128"),
        "bits": (bits, bits in TYPES, "8, 16 or 32", "32"),
        "version": (version, version in ("0.4", "0.5"), "0.4 or 0.5", "0.5"),
    }
    for name, (value, right, rule, fix) in rules.items():
        if not right:
            raise ParameterError(f"{name} is {value}", f"It is {rule}", f"Choose {fix}")
    if not target.name.endswith(".zarr"):
        raise FileError(
            f"{target} has the type {target.suffix or 'none'}",
            "Mattes of any size are written as .zarr",
            "Choose a name such as alpha.ome.zarr",
        )
    if not target.parent.is_dir():
        raise FileError(
            f"The folder {target.parent} does not exist",
            "The folder must exist and be yours to use",
            "Make it first, or choose another",
        )
    if target.exists() and not force:
        raise FileError(
            f"{target} exists", "Files are not overwritten", "Choose another name, or add --force"
        )
    return target


def _identity(planes: Planes) -> dict[str, Any]:
    """Return what tells whether work goes on with the same pixels."""
    array = planes.array
    facts: dict[str, Any] = {"shape": list(array.shape), "dtype": str(array.dtype)}
    store = getattr(getattr(array, "store", None), "root", None)
    if isinstance(array, np.ndarray):
        facts["sha256"] = hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
    elif store is not None:
        folder = Path(store) / getattr(array, "path", "")
        files = [file.stat() for file in folder.rglob("*") if file.is_file()]
        facts["files"] = len(files)
        facts["bytes"] = sum(file.st_size for file in files)
        facts["newest"] = max((file.st_mtime_ns for file in files), default=0)
    else:
        facts["name"] = str(getattr(array, "name", ""))  # dask's: a hash of what it is made of
    return facts


def _begin(work: _Work, force: bool) -> None:
    """Make the folder of parts, or check that it holds parts of the same work."""
    facts = json.dumps(work.identity(), sort_keys=True, default=str)
    path = work.folder / "work.json"
    is_other = path.read_text() != facts if path.exists() else _has_files(work.folder)
    if is_other:
        if not force:
            raise FileError(
                f"{work.folder} holds parts of other work, or the picture has changed since",
                "Work goes on with the same pictures and parameters",
                "Remove that folder, choose another name, or add --force",
            )
        _discard(work.folder)
    work.folder.mkdir(exist_ok=True)
    if not path.exists():
        with whole_file(path) as file:
            file.write(facts.encode())
    for part in work.folder.rglob(f"*{PARTIAL}"):
        part.unlink(missing_ok=True)  # of files that were being written when it was killed


def _has_files(folder: Path) -> bool:
    # A name that is not there yet, or one that is still being written, is no other work.
    if not folder.is_dir():
        return folder.exists()
    return any(file.suffix != PARTIAL for file in folder.iterdir())


def _discard(folder: Path) -> None:
    """Remove a folder of parts, which has lost its name before it has lost any part."""
    gone = folder.with_name(f"{folder.name}.discarded")
    shutil.rmtree(gone, ignore_errors=True)
    if folder.exists():
        folder.replace(gone)
        shutil.rmtree(gone, ignore_errors=True)


@dataclass(frozen=True)
class _Work:
    """One picture or stack, and what is to be done with it."""

    image: Planes
    trimap: Planes
    folder: Path
    method: str
    normalization: Mode
    side: int
    halo: int
    parameters: dict[str, Any]
    bits: int
    version: Version

    def identity(self) -> dict[str, Any]:
        return {
            "image": _identity(self.image),
            "trimap": _identity(self.trimap),
            "method": self.method,
            "parameters": self.parameters,
            "normalization": self.normalization,
            "block": self.side,
            "halo": self.halo,
            "bits": self.bits,
            "ome": self.version,
            "matting-nodes": __version__,
        }

    @property
    def planes(self) -> list[tuple[int, ...]]:
        return list(product(*map(range, self.image.stack_shape)))

    @property
    def is_large(self) -> bool:
        """Whether a plane is more than a block."""
        return math.prod(self.image.shape) > self.side**2

    @property
    def result(self) -> Path:
        """Where the pyramid is until it is complete."""
        return self.folder / RESULT

    @property
    def made(self) -> Path:
        """There once the pyramid was created."""
        return self.folder / MADE

    def levels(self) -> list[Any]:
        """Return the result's pyramid: created, or as it is."""
        import zarr

        if not self.made.exists():
            shutil.rmtree(self.result, ignore_errors=True)
            chunk = math.gcd(CHUNK, self.side)
            create(self.result, self.image, TYPES[self.bits], chunk, self.version, self.identity())
            self.made.touch()
        group = zarr.open_group(str(self.result), mode="r+")
        return [group[str(n)] for n in range(len(list(group.array_keys())))]

    def plan(self, plane: tuple[int, ...]) -> Plan:
        folder = self.folder / ("plane-" + "-".join(map(str, plane)) if plane else "plane")
        folder.mkdir(exist_ok=True)
        return Plan(
            folder,
            self.image,
            self.trimap,
            plane,
            plane if self.trimap.stack_shape else (),
            self.side,
            self.halo,
            FACTOR,
            self.normalization,
        )

    def done(self, plane: int) -> Path:
        return self.folder / f"plane-{plane:06}.done"

    def write(self, run: Runner, job: Job) -> None:
        self.levels()
        if self.is_large:
            for number, part in job.each(range(len(self.planes))):
                if not self.done(number).exists():
                    self._write_large(number, run, part)
        else:
            stage(
                run,
                partial(write_small, self),
                len(self.planes),
                lambda number: self.done(number).exists(),
                job,
            )

    def _write_large(self, number: int, run: Runner, job: Job) -> None:
        if self.method != "sampled_propagation":
            raise ParameterError(
                f"method is {self.method}, and a plane has {self.image.shape[1]} × "
                f"{self.image.shape[0]} pixels",
                "Planes larger than a block are solved by sampled_propagation",
                "Choose it, or larger blocks",
            )
        for name, value in self.parameters.items():
            if name != "device" or value not in ("auto", "cpu"):
                raise ParameterError(
                    f"{name} is {value}",
                    "Planes larger than a block are solved by sampled_propagation on the CPU, "
                    "which has no parameters",
                    "Leave it out",
                )
        plan = self.plan(self.planes[number])
        last = solve_plane(plan, run, job.part(0, 0.93))
        written = partial(write_block, self, plan, last)
        stage(
            run,
            written,
            plan.count,
            lambda block: plan.file("written", block).exists(),
            job.part(0.93, 0.97),
        )
        self._finish(number, job.part(0.97, 1))
        shutil.rmtree(plan.folder, ignore_errors=True)

    def _finish(self, number: int, job: Job) -> None:
        mark = self.folder / f"plane-{number:06}.pyramid"
        begun = int(mark.read_text()) if mark.exists() else 0
        for done, total in fill_pyramid(self.levels(), self.planes[number], begun):
            with whole_file(mark) as file:
                file.write(str(done).encode())
            job.step(done, total, "Writing the pyramid")
        self.done(number).touch()


def write_small(work: _Work, number: int, job: Job) -> None:
    """Matte a plane that is no more than a block, and write it.

    Parameters
    ----------
    work : _Work
        The picture or stack.
    number : int
        Number of the plane in the stack.
    job : Job
        Reports progress, and stops the work when it is cancelled.
    """
    from ..nodes.alpha_matte import alpha_matte

    plane = work.planes[number]
    box = tuple(slice(0, side) for side in work.image.shape)
    where = plane if work.trimap.stack_shape else ()
    try:
        alpha = alpha_matte(
            work.image.read(plane, *box),
            work.trimap.read(where, *box),
            method=work.method,
            normalization=work.normalization,
            job=job,
            **work.parameters,
        )
    except EmptyRegionError as error:
        if not plane or error.missing is None:
            raise
        # A plane of a stack may show no object, or nothing but it.
        alpha = np.full(work.image.shape, error.missing == "background", np.float32)
    except MattingError as error:
        raise (error.within(f"Plane {plane}") if plane else error) from error
    work.levels()[0][(*plane, *box)] = _stored(alpha, work.bits)
    work._finish(number, Job())


def write_block(work: _Work, plan: Plan, last: str, block: int, job: Job) -> None:
    """Write a block of a plane into the largest level: each chunk whole or not at all.

    Parameters
    ----------
    work : _Work
        The picture or stack.
    plan : Plan
        The plane, and where its parts are.
    last : str
        Name of the α to take.
    block : int
        Number of the block, row by row.
    job : Job
        Reports progress, and stops the work when it is cancelled.
    """
    from .solving import matte

    job.step(0, message="Writing")
    work.levels()[0][(*plan.plane, *plan.box(block))] = _stored(matte(plan, block, last), work.bits)
    write_array(plan.file("written", block), np.zeros(0))


def _stored(alpha: Any, bits: int) -> Any:
    if bits == 32:
        return np.asarray(alpha, np.float32)
    return np.floor(np.asarray(alpha) * (2**bits - 1) + 0.5).astype(TYPES[bits])


def solve_plane(plan: Plan, run: Runner, job: Job) -> str:
    """Solve for a plane, stage by stage; return the name of its solutions.

    Parameters
    ----------
    plan : Plan
        The plane, and where its parts are.
    run : Runner
        Does the blocks, here or on a cluster.
    job : Job
        Reports progress, and stops the work when it is cancelled.
    """
    from ..alpha.propagation import TITLE
    from ..solvers.compiling import compiled
    from . import solving, stages

    def each(name: str, work: Any, job: Job, kept: str = "") -> None:
        # Once the blocks' arrays were put together, their own files are gone.
        if kept and plan.file(kept).exists():
            return
        stage(
            run,
            partial(_one, work, plan),
            plan.count,
            lambda block: plan.file(name, block).exists(),
            job,
        )

    def once(name: str, work: Any, job: Job) -> None:
        if not plan.file(name).exists():
            compiled(lambda job: work(job), job, TITLE)

    each("measured", stages.measure, job.part(0, 0.04))
    once("whole", lambda job: stages.gather(plan), job)
    once("coarse", lambda job: stages.solve_coarse(plan, job), job.part(0.04, 0.08))
    each("closeness", stages.expand, job.part(0.08, 0.25), "guess")
    once("links", lambda job: stages.gather_expanded(plan, job), job.part(0.25, 0.27))
    _forget(plan, "cells")
    each("guess", stages.estimate, job.part(0.27, 0.4), "guess")
    for name in ("term", "guess"):
        once(name, partial(lambda name, job: stages.concatenate(plan, name), name), job)
    for name in ("term", "guess", "closeness", "expanded", "expanded_counts"):
        _forget(plan, name)
    begin = 0.4
    for round_ in range(solving.MAX_ROUNDS):
        name, end = f"alpha{round_}", begin + 0.6 * (1 - begin)
        if round_:
            start = partial(lambda round_, job: solving.begin_round(plan, round_), round_)
            once(solving.start_of(round_), start, job)
        each(name, partial(_solve_round, round_), job.part(begin, end), name)
        once(name, partial(lambda name, job: stages.concatenate(plan, name), name), job)
        _forget(plan, name)
        if solving.changed(plan, round_) <= solving.SMALL_CHANGE:
            break
        begin = end
    return name


def _solve_round(round_: int, plan: Plan, block: int, job: Job) -> None:
    from .solving import solve

    solve(plan, block, job, round_)


def _one(work: Any, plan: Plan, block: int, job: Job) -> None:
    """Do a piece of work whose loops may have to be compiled."""
    from ..alpha.propagation import TITLE
    from ..solvers.compiling import compiled

    compiled(lambda job: work(plan, block, job), job, TITLE)


def _forget(plan: Plan, name: str) -> None:
    """Remove the parts of all blocks that are not needed any more."""
    for block in range(plan.count):
        plan.file(name, block).unlink(missing_ok=True)
