"""Dask clusters, on which the tasks of a batch and the blocks of a large picture run."""

from __future__ import annotations

from typing import Any

from ..errors import DependencyError, FileError


def connected(address: str) -> Any:
    """Return a client of the cluster whose scheduler is at this address.

    Parameters
    ----------
    address : str
        Such as "tcp://10.0.0.1:8786".

    Raises
    ------
    DependencyError
        If dask.distributed is not installed.
    FileError
        If no scheduler answers there.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise DependencyError(
            f"dask.distributed cannot be imported: {error}",
            "--dask needs it",
            'Run: pip install "matting-nodes[dask]"',
        ) from error
    try:
        return Client(address, timeout="5s")  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise FileError(
            f"No Dask scheduler answers at {address}: {error}",
            "It must run before",
            "Start it with: dask scheduler",
        ) from error
