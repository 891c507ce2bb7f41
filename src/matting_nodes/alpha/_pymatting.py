"""PyMatting's estimators, with progress, cancel and errors of this package."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

import numpy as np

from ..arrays import Alpha, Image, Trimap, as_rgb, unknown
from ..job import Job, in_background
from ._checks import check_window, full_contrast, no_solution

_log = logging.getLogger(__name__)


class _Log:
    """A stream that passes lines to the log, since PyMatting prints its warnings."""

    def write(self, text: str) -> None:
        if text.strip():
            _log.info(text.strip())

    def flush(self) -> None: ...


def estimate(
    estimator: str | Callable[..., Any],
    title: str,
    image: Image,
    trimap: Trimap,
    job: Job,
    *,
    window: int = 3,
    iterations: int = 0,
    factorised: bool = False,
    **keywords: Any,
) -> Alpha:
    """Return the alpha of one of PyMatting's estimators.

    Parameters
    ----------
    estimator : str or callable
        Name of the estimator, without `estimate_alpha_`, or a function that is called as they are.
    title : str
        Name of the method, for messages.
    image, trimap : arrays
        As a method gets them.
    job : Job
        Reports progress, and stops the work when it is cancelled.
    window : int, pixels
        Side of the method's windows.
    iterations : int
        Maximum number of iterations of conjugate gradients; 0 for an estimator without them.
    factorised : bool
        Whether the estimator has a preconditioner argument.
    keywords
        Passed on to the estimator.

    Raises
    ------
    ShapeError
        If the image is smaller than a window.
    MattingError
        If no solution is found.
    """
    check_window(image, window, title)
    job.step(0, message=title)
    values = np.where(unknown(trimap), 0.5, trimap / 255)
    colors = full_contrast(as_rgb(image)).astype(np.float64)

    def solve(inner: Job) -> Any:
        from ..solvers.compiling import telling_of_compiling

        with telling_of_compiling(inner, title, "a minute or two") as inner:
            import pymatting

            inner.step(0.05, message=f"{title}: setting up")
            watching: dict[str, Any] = {}
            if iterations:
                watching["cg_kwargs"] = _watched(title, inner, iterations)
            if factorised:
                watching["preconditioner"] = _preconditioner(title, inner)
            if not isinstance(estimator, str):
                return estimator(colors, values, **keywords, **watching)
            return getattr(pymatting, f"estimate_alpha_{estimator}")(
                colors, values, **keywords, **watching
            )

    try:
        with redirect_stdout(_Log()), warnings.catch_warnings():  # type: ignore[type-var]
            warnings.simplefilter("ignore")
            # Its compiled loops ask nobody: a cancel leaves them to themselves.
            alpha = in_background(solve, job)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        raise no_solution(f"{title} found no solution: {error}") from error
    if not np.isfinite(alpha).all():
        raise no_solution(f"{title} found no finite solution")
    result: Alpha = alpha.astype(np.float32)
    return result


def _preconditioner(title: str, job: Job) -> Callable[[Any], Any]:
    """Return the incomplete Cholesky preconditioner, announced to the job."""

    def factorise(system: Any) -> Any:
        from pymatting import ichol

        job.step(0.2, message=f"{title}: preconditioner")
        return ichol(system)

    return factorise


def _watched(title: str, job: Job, iterations: int) -> dict[str, Any]:
    """Return arguments of the solver (conjugate gradients) that report to the job."""

    def watch(_a: Any, _x: Any, _b: Any, size: float, _r: Any, residual: float) -> None:
        # The relative residual falls from 1 to 1e-7: shown on a log scale.
        part = np.log10(max(residual, 1e-300) / max(size, 1e-300)) / -7
        job.step(0.5 + 0.5 * float(np.clip(part, 0, 1)), message=f"{title}: solving")

    return {"maxiter": iterations, "callback": watch}
