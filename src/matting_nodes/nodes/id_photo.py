"""IDPhoto: a portrait by an authority's rules, a verdict for each of them, and a print sheet."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import numpy as np

from ..arrays import Alpha, Box, Image, Table, ValuesOf, as_rgb
from ..compositing.id_photos import BACKGROUNDS, find_face, frame, rules, sheet_of, verdicts
from ..compositing.print_sizes import resized_print
from ..framework.parameters import Advanced, Slider, parse_color
from ..framework.register import node


class IDPhoto(NamedTuple):
    """A photo for a document."""

    photo: Image
    sheet: Image
    verdicts: Table


@node(
    title="ID Photo",
    command="id-photo",
    step=7,
    aliases=("passport photo", "visa photo", "biometric photo", "print sheet", "crop marks"),
)
def id_photo(
    image: Image,
    alpha: Alpha,
    *,
    foreground: Annotated[Image, ValuesOf("image")] | None = None,
    face: Box | None = None,
    document: Literal[
        "icao",
        "au_passport",
        "br_visa",
        "ca_passport",
        "ca_visa",
        "cn_visa",
        "de_id_card",
        "de_passport",
        "fr_id_card",
        "fr_passport",
        "ie_passport",
        "in_passport",
        "ng_passport",
        "nl_passport",
        "nz_passport",
        "sa_visa",
        "sg_passport",
        "uk_passport",
        "us_passport",
        "us_visa",
    ] = "icao",
    background: Literal["by_rule", "white", "light_grey", "light_blue"] = "by_rule",
    chin: Annotated[int, Slider(0, 100_000, unit="px")] = 0,
    eyes: Annotated[int, Slider(0, 100_000, unit="px")] = 0,
    sheet: Literal["10x15_cm", "a4", "letter"] = "10x15_cm",
    resolution: Annotated[int, Slider(72, 1200, unit="dpi")] = 300,
    detector: Annotated[str, Advanced()] = "",
) -> IDPhoto:
    """Frame a portrait by the rules for a document, and say which of them it meets.

    The head is measured from its top, hair included, which the alpha shows, to the chin.
    Authorities change their rules, and some refuse photos that were altered: look at theirs first.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The portrait, upright.
    alpha : (H, W) float32, 0..1
        Its matte.
    foreground : like image, optional
        Colors from EstimateForeground, without the old background.
    face : (left, top, right, bottom), pixels, optional
        A box around the face, down to the chin.
    document : str
        Whose rules: size, head, eyes, background, pixels, file size.
    background : {"by_rule", "white", "light_grey", "light_blue"}
        What lies behind; by_rule is the first color that the document allows.
    chin, eyes : int, pixels
        Their rows in the picture, where they are set by hand; 0 takes them from the face box or
        the detector, and eyes else halfway between the head's top and the chin.
    sheet : {"10x15_cm", "a4", "letter"}
        The paper of the print sheet.
    resolution : int, dots per inch
        Of the print: 35 × 45 mm at 300 dpi are 413 × 531 pixels. Photos that are sent as files
        have the pixels that their rule asks for.
    detector : str
        A file of YuNet, OpenCV's face detector, which finds chin and eyes if there is no box.

    Returns
    -------
    photo : (h, w, 3) float32, 0..1
        The photo, exact to the pixel.
    sheet : (H, W, 3) float32, 0..1
        As many of them as fit on the paper, with crop marks.
    verdicts : dict
        A number for each rule, whose name says what is allowed and whether it holds.

    Raises
    ------
    MissingInputError
        If nothing says where the chin is.
    EmptyRegionError
        If the alpha holds no object, or the detector finds no face.
    ParameterError
        If the chin is above the head's top, or no photo fits on the sheet.
    FileError
        If the detector's file cannot be used.
    """
    rule = rules()[document]
    found = find_face(image, alpha, face, detector, chin, eyes)
    crop = frame(rule, found)
    behind = background.replace("_", " ")
    if background == "by_rule":
        behind = rule.backgrounds[0] if rule.backgrounds else "light grey"
    colors = as_rgb(crop.apply(image if foreground is None else foreground))
    part = crop.apply_to_alpha(alpha)[..., None]
    color = np.array(parse_color(BACKGROUNDS[behind]), np.float32)
    width, height = rule.pixels(resolution)
    photo = resized_print(part * colors + (1 - part) * color, width, height)
    told = verdicts(rule, found, crop, alpha, photo, resolution, behind)
    return IDPhoto(photo, sheet_of(photo, sheet, resolution), told)
