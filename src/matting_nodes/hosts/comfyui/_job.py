from __future__ import annotations

import comfy.model_management
import comfy.utils
from server import PromptServer

from ...job import Job


def job_of(unique_id: str) -> Job:
    """Return the job that shows its progress on the node and stops with the queue."""
    bar = comfy.utils.ProgressBar(1000, unique_id)
    shown = ""

    def report(fraction: float, message: str) -> None:
        nonlocal shown
        bar.update_absolute(round(1000 * fraction))
        if message != shown:
            show_text(unique_id, message)
            shown = message

    def interrupted() -> bool:
        # Raises ComfyUI's own exception, which unwinds to the executor.
        comfy.model_management.throw_exception_if_processing_interrupted()
        return False

    return Job(report, interrupted)


def show_text(unique_id: str, text: str) -> None:
    """Show a text on the node.

    Parameters
    ----------
    unique_id : str
        The node's id in the running prompt.
    text : str
        What to show.
    """
    PromptServer.instance.send_progress_text(text, unique_id)
