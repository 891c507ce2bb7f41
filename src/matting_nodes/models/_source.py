from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ._triton import load_triton_apart


class Source(Protocol):
    """Where a network's file comes from."""

    @property
    def page(self) -> str:
        """Where a person reads about it, and can download it by hand; may be empty."""

    def url(self) -> str:
        """Return the address of the file itself; empty if a program cannot fetch it."""


@dataclass(frozen=True)
class Address:
    """A file at an address of its own."""

    address: str
    page: str = ""

    def url(self) -> str:
        """Return the address."""
        return self.address


@dataclass(frozen=True)
class GoogleDrive:
    """A file that Google Drive shares under an id."""

    id: str

    @property
    def page(self) -> str:
        """The page with the download button."""
        return f"https://drive.google.com/file/d/{self.id}/view"

    def url(self) -> str:
        """Return the address that skips the page on files too large to be scanned."""
        return (
            f"https://drive.usercontent.google.com/download?id={self.id}&export=download&confirm=t"
        )


@dataclass(frozen=True)
class HuggingFace:
    """A file of a Hugging Face repository at one revision."""

    repository: str
    revision: str
    file: str

    @property
    def page(self) -> str:
        """The repository's files at that revision."""
        return f"https://huggingface.co/{self.repository}/tree/{self.revision}"

    def url(self) -> str:
        """Return the address at the pinned revision: its content never changes."""
        return f"https://huggingface.co/{self.repository}/resolve/{self.revision}/{self.file}"


@dataclass(frozen=True)
class Torchvision:
    """One of torchvision's own weights, "Enum.NAME"."""

    weights: str
    page: str = "https://docs.pytorch.org/vision/stable/models.html"

    def url(self) -> str:
        """Return the address that torchvision itself gives."""
        load_triton_apart()
        from torchvision.models import get_weight

        return str(get_weight(self.weights).url)


@dataclass(frozen=True)
class ByHand:
    """No program can fetch it: a page that offers it, if there is one, or why there is none."""

    page: str = ""
    note: str = ""

    def url(self) -> str:
        """Return nothing."""
        return ""


@dataclass(frozen=True)
class Packaged:
    """A file that is a part of this package: nothing is fetched."""

    page: str = ""
    note: str = "It comes with the wheel of matting-nodes, not with ComfyUI's registry package"

    def url(self) -> str:
        """Return nothing."""
        return ""

    def path(self, file: str) -> Path:
        """Return where a file of that name lies."""
        return Path(__file__).parent / "packaged" / file
