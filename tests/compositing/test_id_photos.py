from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from matting_nodes import MattingError, id_photo
from matting_nodes.compositing.id_photos import SHEETS, rules
from matting_nodes.framework.spec import NODES

CROWN, CHIN, EYES, MIDDLE = 40, 160, 100, 150


@pytest.fixture(scope="module")
def portrait():
    """A face whose chin, eyes and head top are known, over shoulders."""
    y, x = np.indices((600, 300))
    head = ((y - (CROWN + CHIN) / 2) / ((CHIN - CROWN) / 2)) ** 2 + ((x - MIDDLE) / 45) ** 2 < 1
    alpha = head | ((y > 190) & (abs(x - MIDDLE) < 140)) | ((y > 150) & (abs(x - MIDDLE) < 25))
    image = np.full((600, 300, 3), 0.5, np.float32)
    image[EYES] = (0, 0, 1)
    image[CHIN] = (1, 0, 0)
    return image, alpha.astype(np.float32)


BOX = (MIDDLE - 45, 60, MIDDLE + 45, CHIN)


def row_of(photo, color) -> float:
    """Return the middle of the rows of a color, in the column in the middle."""
    column = photo[:, photo.shape[1] // 2]
    wanted = column[:, color] - np.delete(column, color, axis=1).mean(axis=1)
    return float(np.average(np.arange(len(column)), weights=wanted.clip(0.1) - 0.1))


def test_there_are_rules_of_fifteen_countries():
    countries = {rule.title.partition(":")[0] for name, rule in rules().items() if name != "icao"}
    assert len(countries) >= 15
    parameter = next(p for p in NODES["id_photo"].parameters if p.name == "document")
    assert set(parameter.choices) == set(rules())
    assert all(rule.source for rule in rules().values())


@pytest.mark.parametrize("document", rules())
def test_head_and_eyes_lie_where_the_rule_wants_them(portrait, document):
    rule = rules()[document]
    made = id_photo(*portrait, face=BOX, eyes=EYES, document=document)
    width, height = rule.pixels(300)
    assert made.photo.shape == (height, width, 3)
    chin, eyes = row_of(made.photo, 0), row_of(made.photo, 2)
    background = made.photo[2, 2]
    crown = int(np.flatnonzero(abs(made.photo - background).max(axis=2).max(axis=1) > 0.2)[0])
    tolerance = 0.015 * height
    if rule.head:
        low, high = (share * height for share in rule.head)
        assert low - tolerance <= chin - crown <= high + tolerance
    if rule.eyes and any("eyes" in name and "NOT" not in name for name in made.verdicts):
        low, high = (share * height for share in rule.eyes)
        assert low - tolerance <= height - eyes <= high + tolerance
    assert crown > 0


def test_a_verdict_names_the_rule_and_the_number(portrait):
    told = id_photo(*portrait, face=BOX, eyes=EYES).verdicts
    assert told["head, allowed 70 to 80 %: ok"] == pytest.approx(75, abs=0.5)
    assert told["background white, allowed white or light grey or light blue: ok"] == 1
    # 120 pixels of head are too few for 34 mm at 300 dpi.
    assert told["detail of the picture, allowed at least 300 dpi: NOT OK"] < 100
    told = id_photo(*portrait, face=BOX, document="in_passport", background="light_blue").verdicts
    assert told["background light blue, allowed white: NOT OK"] == 0


def test_a_photo_that_ends_above_the_frame_is_told(portrait):
    image, alpha = (part[:165] for part in portrait)
    told = id_photo(image, alpha, face=BOX, document="us_passport").verdicts
    assert told["missing below the photo, allowed 0 to 0.5 %: NOT OK"] > 5


@pytest.mark.parametrize("resolution", [300, 600])
@pytest.mark.parametrize("sheet", SHEETS)
def test_a_sheet_is_exact_to_the_pixel(portrait, sheet, resolution):
    made = id_photo(
        *portrait, face=BOX, background="light_blue", sheet=sheet, resolution=resolution
    )
    height, width = made.photo.shape[:2]
    assert (width, height) == (round(35 / 25.4 * resolution), round(45 / 25.4 * resolution))
    sides = sorted(round(mm / 25.4 * resolution) for mm in SHEETS[sheet])
    assert sorted(made.sheet.shape[:2]) == sides
    # Every photo is on it, pixel for pixel, between marks of one pixel that touch none.
    ink = (made.sheet < 1).any(axis=2) & (made.sheet > 0).any(axis=2)
    corners = ink[1:, 1:] & ~ink[:-1, 1:] & ~ink[1:, :-1]
    found, rest = [], made.sheet.copy()
    for y, x in np.argwhere(corners) + 1:
        part = np.s_[y : y + height, x : x + width]
        if np.array_equal(made.sheet[part], made.photo):
            found.append((y, x))
            rest[part] = 1
    area = made.sheet.shape[0] * made.sheet.shape[1]
    assert len(found) >= 0.7 * area / (width * height)
    marks = np.argwhere((rest == 0).all(axis=2))
    assert len(marks) > 0
    assert ((rest == 0) | (rest == 1)).all()
    edges = {y for top, _ in found for y in (top, top + height - 1)}
    columns = {x for _, left in found for x in (left, left + width - 1)}
    assert all(y in edges or x in columns for y, x in marks)


def test_a_real_portrait_on_a_new_background():
    image = data.astronaut()[:400, 60:400]
    y, x = np.indices(image.shape[:2])
    alpha = np.hypot((y - 120) / 1.25, x - 165) < 92  # about her head
    alpha |= (y > 220) & (abs(x - 165) < 160)
    made = id_photo(image, alpha.astype(np.float32), face=(120, 65, 215, 195))
    assert made.photo.shape == (531, 413, 3)
    np.testing.assert_allclose(made.photo[3, 3], 1, atol=0.01)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "got no face"),
        ({"chin": 41}, "The chin is in row 41"),
        ({"detector": "/nowhere/yunet.onnx"}, "cannot be used"),
        ({"face": BOX, "document": "us_visa", "resolution": 1200, "sheet": "10x15_cm"}, ""),
    ],
)
def test_what_cannot_be_framed_is_told(portrait, given, words):
    if not words:
        assert id_photo(*portrait, **given).sheet.shape[2] == 3
        return
    with pytest.raises(MattingError, match=words):
        id_photo(*portrait, **given)


def test_a_matte_without_an_object_is_told(portrait):
    with pytest.raises(MattingError, match="No pixel of the alpha"):
        id_photo(portrait[0], np.zeros_like(portrait[1]), face=BOX)
