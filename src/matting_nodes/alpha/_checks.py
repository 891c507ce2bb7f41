"""What every solver refuses, and what it says when it finds no solution."""

from __future__ import annotations

from ..arrays import BACKGROUND, FOREGROUND, Image, Trimap
from ..errors import EmptyRegionError, MattingError, ShapeError, Side


def has_both_regions(trimap: Trimap) -> None:
    """Refuse a trimap without definite foreground or without definite background.

    Raises
    ------
    EmptyRegionError
    """
    sides: dict[Side, bool] = {
        "foreground": trimap.max() == FOREGROUND,
        "background": trimap.min() == BACKGROUND,
    }
    for name, there in sides.items():
        if not there:
            raise EmptyRegionError(
                f"The trimap has no definite {name}",
                "A matte is solved from some pixels that are surely foreground and some that "
                "are surely background",
                f"Paint some {name}, or make the trimap's unknown band narrower",
                # With neither side, nobody has said what the frame shows.
                missing=name if any(sides.values()) else None,
            )


def check_window(image: Image, window: int, title: str) -> None:
    """Check that an image holds a window of so many pixels a side.

    Raises
    ------
    ShapeError
    """
    if min(image.shape[:2]) < window:
        raise ShapeError(
            f"The image is {image.shape[1]} × {image.shape[0]} pixels",
            f"{title} looks at windows of {window} × {window} pixels",
            f"Use an image of at least {window} × {window} pixels",
        )


def no_solution(found: str) -> MattingError:
    """Return the error of a system that could not be solved."""
    return MattingError(
        found,
        "The unknown region must be small enough to be solved from its surroundings",
        "Mark more foreground and background, or choose another method",
    )
