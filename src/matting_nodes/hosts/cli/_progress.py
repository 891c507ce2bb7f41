from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import printable
from ...job import Job


@contextmanager
def progress_bar(title: str, quiet: bool = False) -> Iterator[Job]:
    """Give the job whose progress a bar on the terminal shows.

    Parameters
    ----------
    title : str
        Stands before the bar.
    quiet : bool
        Show none.
    """
    from tqdm import tqdm

    layout = "{desc:32.32}{percentage:3.0f}% |{bar}| {elapsed}"
    hidden = quiet or not sys.stderr.isatty()
    with tqdm(total=1.0, desc=title, bar_format=layout, disable=hidden) as bar:

        def report(fraction: float, message: str) -> None:
            bar.set_description_str(printable(message or title), refresh=False)
            bar.update(fraction - bar.n)

        yield Job(report)
