"""The web: a page with two uploads and an HTTP API, both made from the specs of the nodes."""

from ._app import application, serve
from ._limits import Limits

__all__ = ["Limits", "application", "serve"]
