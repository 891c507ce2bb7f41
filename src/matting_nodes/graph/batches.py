"""Runs a graph over a folder of pictures, in several processes or on a cluster, and resumes.

Every picture's results are called after it. When they are complete, a record of what they
were made from is written beside them; a later run skips what a record shows to be finished.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

from ..errors import GraphError, MattingError, as_matting_error
from ..io.images import make_folder_for, write_whole
from ..io.stacks import pictures_in
from ..job import Cancelled, Job
from ..version import __version__
from .checking import check
from .executor import evaluate
from .folders import Folders
from .model import Graph, Link
from .registry import node_types

RECORDS = ".matting-nodes"
# The digest of a task that was started and not recorded as finished.
STARTED = ""
# The parameters that name a file to load, and a file to save.
LOADED, SAVED = "image", "filename_prefix"


@dataclass(frozen=True)
class Task:
    """One picture of a batch.

    Parameters
    ----------
    name : str
        The picture's name without its ending; results are called after it.
    graph : Graph
        The workflow with this picture, and those that belong to it, in its loaders.
    named : frozenset of str
        These pictures, which lie where the user said.
    """

    name: str
    graph: Graph
    named: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Done:
    """How a task ended: what it saved and measured, or why it could not."""

    task: Task
    files: tuple[Path, ...] = ()
    texts: tuple[str, ...] = ()
    error: MattingError | None = None


class Record(TypedDict):
    """What a finished task was made from, and the files that it left."""

    digest: str
    files: list[str]


@dataclass(frozen=True)
class Batch:
    """What every task of a batch shares; it travels to other processes and machines.

    Parameters
    ----------
    folders : Folders
        The folders of the whole batch.
    """

    folders: Folders

    def is_finished(self, task: Task) -> bool:
        """Tell whether this task was done before, from the same files and parameters."""
        record = self._record(task)
        return bool(
            record
            and record["digest"] == self._digest(task)
            and all((self.folders.output / name).is_file() for name in record["files"])
        )

    def run(self, task: Task, job: Job | None = None) -> Done:
        """Do a task and record it; an error is returned, not raised: the other tasks still run.

        Parameters
        ----------
        task : Task
            What is to be done.
        job : Job, optional
            Progress and cancel.
        """
        try:
            return self._run(task, job)
        except Cancelled:
            raise
        except Exception as error:
            return Done(task, error=as_matting_error(error))

    def _run(self, task: Task, job: Job | None) -> Done:
        digest, folders = self._digest(task), self.folders_of(task)
        if self._record(task) is None:
            # If an interrupt comes between a file and its record, the file is still ours.
            self._write_record(task, STARTED, [])
        outcomes = evaluate(task.graph, folders, job)
        files = tuple(file for outcome in outcomes for file in outcome.files)
        texts = tuple(f"{o.node.label}: {text}" for o in outcomes for text in o.texts)
        names = [file.relative_to(self.folders.output).as_posix() for file in files]
        self._write_record(task, digest, names)
        return Done(task, files, texts)

    def folders_of(self, task: Task) -> Folders:
        """Return the folders as this task sees them."""
        return replace(
            self.folders,
            name=task.name,
            named=self.folders.named | task.named,
            # What an earlier run has made may be replaced.
            force=self.folders.force or self._record(task) is not None,
        )

    def _record_path(self, task: Task) -> Path:
        return self.folders.output / RECORDS / f"{task.name}.json"

    def _write_record(self, task: Task, digest: str, files: list[str]) -> None:
        record = json.dumps({"digest": digest, "files": files})
        write_whole(make_folder_for(self._record_path(task)), record.encode())

    def _record(self, task: Task) -> Record | None:
        try:
            record: Record = json.loads(self._record_path(task).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return record

    def _digest(self, task: Task) -> str:
        """Return what changes when the workflow, a file it loads or the program does."""
        folders = self.folders_of(task)
        states = [[name, *file_state(folders.find(name))] for name in _files_of(task.graph)]
        told = json.dumps([task.graph.to_json(), states, __version__], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()


def file_state(path: Path) -> list[int]:
    """Return what changes when a file, or one of the pictures of a folder, does."""
    files = pictures_in(path) if path.is_dir() else [path]
    return [number for file in files for number in (file.stat().st_size, file.stat().st_mtime_ns)]


def loaders(graph: Graph) -> list[tuple[str, str]]:
    """Return where a graph names the files it loads, as (id of the node, input)."""
    types = node_types()
    return [
        (node.id, LOADED)
        for node in graph.nodes.values()
        if node.class_type in types
        and LOADED in types[node.class_type].parameters_for(node.inputs)
        and not isinstance(node.inputs.get(LOADED), Link)
    ]


def _files_of(graph: Graph) -> list[str]:
    return [str(graph.nodes[node].inputs.get(name, "")) for node, name in loaders(graph)]


def plan(graph: Graph, each: Mapping[tuple[str, str], Path]) -> list[Task]:
    """Return one task a picture.

    Parameters
    ----------
    graph : Graph
        The workflow.
    each : mapping of (id of a node, input) to folder
        Whose pictures the loaders get one by one. Those of several folders belong together
        by their names without the ending.

    Raises
    ------
    FileError
        If a folder holds no pictures.
    GraphError
        If pictures of several folders do not pair up, or savers would write to one name.
    """
    _check_prefixes(graph)
    pictures = {at: _by_name(folder) for at, folder in each.items()}
    first = next(iter(pictures.values()))
    for at, others in pictures.items():
        missing = sorted(first.keys() ^ others.keys())
        if missing:
            raise GraphError(
                f"{each[at]} and {each[next(iter(each))]} do not hold pictures of the same "
                f"names: {', '.join(missing[:5])}",
                "Pictures that belong together have one name, whatever their ending",
                "Rename them, or move the unmatched ones elsewhere",
            )
    return [
        _task(name, graph, {at: str(files[name]) for at, files in pictures.items()})
        for name in first
    ]


def _by_name(folder: Path) -> dict[str, Path]:
    """Return a folder's pictures by name; the ending belongs to it where two share the rest."""
    pictures = pictures_in(folder)
    counts = Counter(picture.stem for picture in pictures)
    taken = {stem for stem, count in counts.items() if count == 1}
    named = {}
    for picture in pictures:
        name = picture.stem
        if name not in taken:
            name = picture.name.replace(".", "_")
            while name in taken:  # beside a.png and a.jpg there may be a_png.png
                name += "_"
            taken.add(name)
        named[name] = picture.absolute()
    return named


def _task(name: str, graph: Graph, files: Mapping[tuple[str, str], str]) -> Task:
    for (node, input_), path in files.items():
        graph = graph.with_input(node, input_, path)
    return Task(name, graph, frozenset(files.values()))


def _check_prefixes(graph: Graph) -> None:
    prefixes: dict[str, str] = {}
    for node in graph.nodes.values():
        prefix = node.inputs.get(SAVED)
        if isinstance(prefix, str):
            if prefix in prefixes:
                raise GraphError(
                    f"{prefixes[prefix]} and {node.label} both save as {prefix}",
                    "Results are called after their prefix and their picture",
                    f"Give one another prefix: --set {node.id}.{SAVED}=…",
                )
            prefixes[prefix] = node.label


def check_all(batch: Batch, tasks: Iterable[Task]) -> None:
    """Raise the error that keeps a task from running, before any begins.

    Parameters
    ----------
    batch : Batch
        What the tasks share.
    tasks : iterable of Task
        What is to be done.

    Raises
    ------
    MattingError
    """
    for task in tasks:
        check(task.graph, batch.folders_of(task))


def run_here(
    batch: Batch, tasks: list[Task], finished: Callable[[Done], None], job: Job | None = None
) -> None:
    """Do tasks one after the other in this process.

    Parameters
    ----------
    batch : Batch
        What they share.
    tasks : list of Task
        What is to be done.
    finished : callable(Done)
        Called after each.
    job : Job, optional
        Progress over all of them, and cancel.

    Raises
    ------
    Cancelled
        Results of tasks that were done before stay.
    """
    job = job or Job()
    for task, part in job.each(tasks):
        finished(batch.run(task, part))
