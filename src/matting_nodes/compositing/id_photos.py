"""ID photos by the book: rules as data, the frame that fits them, verdicts, and print sheets."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Alpha, Box, Image
from ..errors import EmptyRegionError, FileError, MissingInputError, ParameterError
from .print_sizes import Crop

MM_PER_INCH = 25.4
SHEETS = {"10x15_cm": (100.0, 150.0), "a4": (210.0, 297.0), "letter": (215.9, 279.4)}
"""Width and height in millimetres."""
MARGIN, GAP, MARK, CLEAR = 1.8, 2.0, 0.7, 0.2
"""Millimetres: of a sheet's border, between photos, of a crop mark, and between it and a photo.
Eight photos of 35 × 45 mm fit on 10 × 15 cm."""
BACKGROUNDS = {"white": "#ffffff", "light grey": "#e6e6e6", "light blue": "#cfe0f2"}
ABOVE = 0.4
"""Share of what the head leaves free that lies above it, where there is no rule for the eyes."""
USUAL_HEAD = (0.65, 0.75)
"""Share of a photo's height that a head takes where there is no rule for it."""
QUALITY = 95
"""Of the JPEG whose size is judged: the one that is written by default."""

Range = tuple[float, float]


@dataclass(frozen=True)
class Rule:
    """What an authority asks of a photo.

    Parameters
    ----------
    name, title : str
        Its id, and its document in words.
    width, height : float
        Of the photo, in millimetres, or in pixels for photos that are sent as files.
    is_digital : bool
        Whether the size is in pixels.
    head, eyes : (low, high), 0..1, optional
        Height of the head from chin to crown, and of the eyes above the lower border, as shares of
        the photo's height.
    backgrounds : tuple of str
        Names of `BACKGROUNDS`; empty if the source says nothing of the color.
    dpi : int
        The lowest resolution of a print; 0 if there is no rule.
    least_px : (width, height)
        The fewest pixels.
    kilobytes : (low, high), optional
        Of the file.
    unaltered : bool
        Whether photos with a changed background are refused.
    source : str
        Where it is written.
    """

    name: str
    title: str
    width: float
    height: float
    is_digital: bool
    head: Range | None
    eyes: Range | None
    backgrounds: tuple[str, ...]
    dpi: int
    least_px: tuple[int, int]
    kilobytes: Range | None
    unaltered: bool
    source: str

    def pixels(self, resolution: int) -> tuple[int, int]:
        """Return width and height of the photo at a number of dots per inch."""
        if self.is_digital:
            return round(self.width), round(self.height)
        width, height = (round(s / MM_PER_INCH * resolution) for s in (self.width, self.height))
        return width, height


@cache
def rules() -> dict[str, Rule]:
    """Return all rules by name."""
    text = files(__package__).joinpath("id_rules.json").read_text(encoding="utf-8")
    return {name: _rule(name, entry) for name, entry in json.loads(text)["rules"].items()}


def _rule(name: str, entry: dict[str, Any]) -> Rule:
    is_digital = "width_px" in entry
    unit = "px" if is_digital else "mm"
    height = float(entry[f"height_{unit}"])
    shares = {}
    for part in ("head", "eyes"):
        given, scale = entry.get(f"{part}_percent"), 100.0
        if given is None:
            given, scale = entry.get(f"{part}_mm"), height
        shares[part] = None if given is None else (given[0] / scale, given[1] / scale)
    kilobytes = entry.get("kilobytes")
    return Rule(
        name,
        entry["title"],
        float(entry[f"width_{unit}"]),
        height,
        is_digital,
        shares["head"],
        shares["eyes"],
        tuple(entry.get("backgrounds", ())),
        entry.get("dpi", 0),
        tuple(entry.get("least_px", (0, 0))),
        None if kilobytes is None else (kilobytes[0], kilobytes[1]),
        entry.get("unaltered", False),
        entry["source"],
    )


@dataclass(frozen=True)
class Face:
    """Where the head is, in pixels of the picture.

    Parameters
    ----------
    crown, chin, eyes : float
        Rows: the head's top (with its hair), its lower end, and the eyes.
    middle : float
        The column in the middle of the face.
    """

    crown: float
    chin: float
    eyes: float
    middle: float

    @property
    def head(self) -> float:
        """Height of the head."""
        return self.chin - self.crown


def find_face(
    image: Image, alpha: Alpha, box: Box | None, detector: str, chin: int, eyes: int
) -> Face:
    """Return where the head is: its top from the matte, the rest from a box, a detector or a user.

    Parameters
    ----------
    image : (H, W, 3) float32, 0..1
        The picture.
    alpha : (H, W) float32, 0..1
        Its matte.
    box : (left, top, right, bottom), pixels, optional
        Around the face, down to the chin.
    detector : str
        A file of YuNet (face_detection_yunet_2023mar.onnx), which finds the face; empty for none.
    chin, eyes : int, pixels
        Their rows, where a user has set them; 0 otherwise.

    Raises
    ------
    EmptyRegionError
        If the matte holds no object, or no face is found.
    MissingInputError
        If nothing says where the chin is.
    ParameterError
        If the chin is not below the head's top.
    """
    rows = np.flatnonzero((alpha > 0.5).any(axis=1))
    if not len(rows):
        raise EmptyRegionError(
            "No pixel of the alpha is above 0.5",
            "The head's top is where the alpha begins",
            "Give the alpha of a portrait",
        )
    crown = float(rows[0])
    found = _detected(image, detector) if detector and box is None else None
    if box is not None:
        left, _, right, bottom = box
        found = (float(bottom), 0.0, (left + right) / 2)
    if found is None and not chin:
        raise MissingInputError(
            "ID Photo got no face, and chin is 0",
            "A head is measured from its top, which the alpha shows, to its chin",
            "Draw a box around the face down to the chin, set chin, or name a file of YuNet",
        )
    lowest = float(chin) or (found[0] if found else 0.0)
    if not crown + 8 < lowest <= alpha.shape[0]:
        raise ParameterError(
            f"The chin is in row {lowest:g} of {alpha.shape[0]}, and the head begins in {crown:g}",
            "The chin is in the picture, below the head's top",
            "Set chin again, or check the alpha",
        )
    # Halfway between crown and chin, as drawing schools have it, if nothing better is known.
    line = float(eyes) or (found[1] if found else 0.0) or (crown + lowest) / 2
    head = alpha[int(crown) : math.ceil(lowest)] > 0.5
    middle = found[2] if found else float(np.nonzero(head)[1].mean()) + 0.5
    return Face(crown, lowest, line, middle)


def _detected(image: Image, file: str) -> tuple[float, float, float]:
    """Return chin, eyes and middle of the largest face that YuNet finds."""
    import cv2

    picture = np.round(image[..., :3][..., ::-1] * 255).astype(np.uint8)
    picture = np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))
    # It was trained on faces of some hundred pixels.
    scale = min(1.0, 640 / max(picture.shape[:2]))
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    try:
        net = cv2.FaceDetectorYN.create(file, "", (small.shape[1], small.shape[0]), 0.6)
        faces = net.detect(small)[1]
    except cv2.error as error:
        raise FileError(
            f"detector {file!r} cannot be used: {error.err}",
            "It is a file of YuNet, such as face_detection_yunet_2023mar.onnx of OpenCV's zoo",
            "Check the path, or draw a box around the face",
        ) from error
    if faces is None:
        raise EmptyRegionError(
            "YuNet finds no face", "One is needed", "Draw a box around it, or set chin"
        )
    face = max(faces, key=lambda f: f[2] * f[3]) / scale
    _, top, _, height = face[:4]
    eyes = (face[5] + face[7]) / 2
    return float(top + height), float(eyes), float((face[4] + face[6]) / 2)


def frame(rule: Rule, face: Face) -> Crop:
    """Return the part of a picture that a rule asks for: head and eyes in the middle of its ranges.

    Parameters
    ----------
    rule : Rule
        What is asked.
    face : Face
        Where the head is.
    """
    head = np.mean(rule.head or USUAL_HEAD)
    height = max(2, round(face.head / head))
    width = max(2, round(height * rule.width / rule.height))
    if rule.eyes:
        bottom = face.eyes + float(np.mean(rule.eyes)) * height
        # The whole head must be in it, whatever the eyes are at.
        top = min(bottom - height, face.crown - 0.02 * height)
    else:
        top = face.crown - ABOVE * (height - face.head)
    return Crop(round(top), round(face.middle - width / 2), height, width)


def verdicts(
    rule: Rule, face: Face, crop: Crop, alpha: Alpha, photo: Image, resolution: int, background: str
) -> dict[str, float]:
    """Return a number for each rule; its name says what is allowed, and whether it holds.

    Parameters
    ----------
    rule : Rule
        What is asked.
    face : Face
        Where the head is in the picture.
    crop : Crop
        Which part of the picture was taken.
    alpha : (H, W) float32, 0..1
        The picture's matte.
    photo : (h, w, 3) float32, 0..1
        The photo that was made.
    resolution : int, dots per inch
        Of the print.
    background : str
        What lies behind: a name of `BACKGROUNDS`, or a color.

    Examples
    --------
    >>> _verdict("head", 71.4, (70, 80), "%")
    ('head, allowed 70 to 80 %: ok', 71.4)
    """
    return dict(_verdicts(rule, face, crop, alpha, photo, resolution, background))


def _verdicts(
    rule: Rule, face: Face, crop: Crop, alpha: Alpha, photo: Image, resolution: int, background: str
) -> Iterator[tuple[str, float]]:
    height, width = photo.shape[:2]
    percent = 100 / crop.height
    if rule.head:
        yield _verdict("head", face.head * percent, _percent(rule.head), "%")
    if rule.eyes:
        above = (crop.top + crop.height - face.eyes) * percent
        yield _verdict("eyes above the lower border", above, _percent(rule.eyes), "%")
    yield _verdict("free above the head", (face.crown - crop.top) * percent, (0, math.inf), "%")
    off = abs(face.middle - crop.left - crop.width / 2) * 100 / crop.width
    yield _verdict("face off the middle", off, (0, 5), "%")
    # Below the picture's border there is nothing to show: shoulders would end in the air.
    missing = max(0, crop.top + crop.height - alpha.shape[0]) * percent
    yield _verdict("missing below the photo", missing, (0, 0.5), "%")
    detail = crop.height / height * (resolution if not rule.is_digital else 100)
    least = float(rule.dpi or 300) if not rule.is_digital else 100.0
    unit = "dpi" if not rule.is_digital else "% of the pixels"
    yield _verdict("detail of the picture", detail, (least, math.inf), unit)
    if any(rule.least_px):
        for name, side, least_side in _sides(width, height, rule):
            yield _verdict(name, side, (least_side, math.inf), "px")
    if rule.backgrounds:
        ok = background in rule.backgrounds
        allowed = " or ".join(rule.backgrounds)
        yield f"background {background}, allowed {allowed}: {_word(ok)}", float(ok)
    if rule.kilobytes:
        size = _jpeg(photo) / 1000
        yield _verdict(f"JPEG of quality {QUALITY}", size, rule.kilobytes, "kB")
    if rule.unaltered:
        yield "this authority refuses photos that were altered: look at its rules", 0.0


def _sides(width: int, height: int, rule: Rule) -> Iterator[tuple[str, int, int]]:
    return zip(("width", "height"), (width, height), rule.least_px, strict=True)


def _percent(share: Range) -> Range:
    return round(100 * share[0], 1), round(100 * share[1], 1)


def _verdict(name: str, value: float, allowed: Range, unit: str) -> tuple[str, float]:
    low, high = allowed
    value = round(float(value), 1)
    span = f"at least {low:g}" if high == math.inf else f"{low:g} to {high:g}"
    return f"{name}, allowed {span} {unit}: {_word(low <= value <= high)}", value


def _word(ok: bool) -> str:
    return "ok" if ok else "NOT OK"


def _jpeg(photo: Image) -> int:
    import cv2

    bgr = np.round(photo[..., ::-1] * 255).astype(np.uint8)
    return len(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])


def sheet_of(photo: NDArray[np.float32], sheet: str, resolution: int) -> NDArray[np.float32]:
    """Return a sheet of paper with as many photos as fit on it, and crop marks around each.

    Parameters
    ----------
    photo : (h, w, 3) float32, 0..1
        The photo; every pixel of it is one of the sheet.
    sheet : {"10x15_cm", "a4", "letter"}
        The paper.
    resolution : int, dots per inch
        Of the print.

    Returns
    -------
    (H, W, 3) float32, 0..1
        White; the paper lies so that more photos fit.

    Raises
    ------
    ParameterError
        If not one photo fits.
    """
    height, width = photo.shape[:2]
    margin, gap, mark, clear = (
        max(1, round(mm / MM_PER_INCH * resolution)) for mm in (MARGIN, GAP, MARK, CLEAR)
    )
    short, long = (round(mm / MM_PER_INCH * resolution) for mm in SHEETS[sheet])

    def counts(paper: tuple[int, int]) -> tuple[int, int]:
        rows, columns = (
            (side - 2 * margin + gap) // (part + gap)
            for side, part in zip(paper, (height, width), strict=True)
        )
        return rows, columns

    papers = (long, short), (short, long)
    paper = max(papers, key=lambda paper: math.prod(max(count, 0) for count in counts(paper)))
    rows, columns = counts(paper)
    if rows < 1 or columns < 1:
        raise ParameterError(
            f"The photo has {width} × {height} pixels, the sheet {paper[1]} × {paper[0]}",
            "At least one photo must fit on it",
            "Choose a larger sheet, or the resolution that the photo was made with",
        )
    page = np.ones((*paper, 3), np.float32)
    top, left = (
        (side - count * part - (count - 1) * gap) // 2
        for side, count, part in zip(paper, (rows, columns), (height, width), strict=True)
    )
    for row in range(rows):
        for column in range(columns):
            y, x = top + row * (height + gap), left + column * (width + gap)
            _mark(page, (y, y + height - 1), (x, x + width - 1), clear, mark)
            page[y : y + height, x : x + width] = photo
    return page


def _mark(
    page: NDArray[np.float32],
    rows: tuple[int, int],
    columns: tuple[int, int],
    clear: int,
    mark: int,
) -> None:
    """Draw lines of one pixel that go on from a photo's edges, at some distance from it."""
    for side in (0, 1):
        beside = (slice(s[0] - clear - mark, s[0] - clear) for s in (rows, columns))
        if side:
            beside = (slice(s[1] + 1 + clear, s[1] + 1 + clear + mark) for s in (rows, columns))
        vertical, horizontal = beside
        page[vertical, list(columns)] = 0
        page[list(rows), horizontal] = 0
