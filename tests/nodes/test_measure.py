"""Shapes of known size and brightness, blurred by a known Gaussian, in Poisson noise."""

from __future__ import annotations

import csv
import io

import cv2
import numpy as np
import pytest

from matting_nodes import alpha_matte, measure
from matting_nodes.errors import EmptyRegionError, SizeMismatchError
from matting_nodes.hosts.cli import main
from matting_nodes.io.images import write_image

BRIGHT, DARK = 400.0, 60.0
FINE = 8
# From 10 to 90 % of a Gaussian edge, in standard deviations.
RISE = 2.5631


def blurred(radius, flat, blur, side=96):
    """The share of each pixel that a blurred ellipse covers, by samples eight times as fine."""
    at = (np.arange(side * FINE) + 0.5) / FINE - 0.5 - side / 2
    y, x = at[:, None] + 0.2, at - 0.3
    inside = np.float32((x / radius) ** 2 + (y / (radius * flat)) ** 2 <= 1)
    fine = cv2.GaussianBlur(inside, (0, 0), blur * FINE)
    return fine.reshape(side, FINE, side, FINE).mean((1, 3))


def objects_in(picture):
    """The largest region above the middle between bright and dark."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        np.uint8(cv2.GaussianBlur(picture, (0, 0), 1) > (BRIGHT + DARK) / 2)
    )
    return np.int32(labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax())


def distances(labels):
    return [
        cv2.distanceTransform(np.uint8(side), cv2.DIST_L2, 5) for side in (labels == 0, labels > 0)
    ]


SHAPES = [(20, 1, 2), (20, 0.6, 2), (12, 1, 1.5), (30, 0.7, 3)]


@pytest.mark.parametrize(("radius", "flat", "blur"), SHAPES)
def test_shapes_in_poisson_noise_have_their_size_brightness_and_edge(radius, flat, blur):
    rng, share = np.random.default_rng(1), blurred(radius, flat, blur)
    found, reach = [], 3 * blur + 1
    for _ in range(8):
        picture = rng.poisson(share * BRIGHT + (1 - share) * DARK).astype(np.float32)
        labels = objects_in(picture)
        outside, inside = distances(labels)
        alpha = ((picture - DARK) / (BRIGHT - DARK)).clip(0, 1)
        alpha = np.where(outside > reach, 0, np.where(inside > reach, 1, alpha))
        found.append(measure(labels, alpha.astype(np.float32), picture, reach=12))
    mean = {name: np.mean([table[name] for table in found]) for name in found[0]}
    area = np.pi * radius**2 * flat
    assert mean["area"] == pytest.approx(area, rel=0.005)
    assert mean["integrated"] == pytest.approx(area * BRIGHT, rel=0.01)
    assert mean["mean"] == pytest.approx(BRIGHT, rel=0.01)
    assert mean["background"] == pytest.approx(DARK, rel=0.02)
    # The box of a pixel blurs, too.
    assert mean["edge_width"] == pytest.approx(RISE * np.hypot(blur, 12**-0.5), rel=0.05)
    # What the hard mask gives is further off, and the table says by how much.
    assert mean["mask_area"] == pytest.approx(mean["area"] * (1 + mean["mask_area_bias"]), rel=1e-3)
    assert mean["mask_integrated_bias"] < -0.02


def test_the_matte_of_a_method_measures_as_well():
    share = blurred(20, 1, 2)
    picture = np.random.default_rng(2).poisson(share * BRIGHT + (1 - share) * DARK)
    labels = objects_in(np.float32(picture))
    outside, inside = distances(labels)
    trimap = np.where(outside > 6, 0, np.where(inside > 6, 255, 128)).astype(np.uint8)
    alpha = alpha_matte(picture.astype(np.uint16), trimap)
    table = measure(labels, alpha, picture.astype(np.uint16))
    assert table["area"][0] == pytest.approx(np.pi * 400, rel=0.02)
    assert table["mean"][0] == pytest.approx(BRIGHT, rel=0.02)


def test_objects_keep_their_numbers_and_get_physical_units():
    alpha = np.zeros((40, 60), np.float32)
    labels = np.zeros(alpha.shape, np.int32)
    for number, left in ((3, 5), (7, 30)):
        alpha[10:20, left : left + 10] = labels[10:20, left : left + 10] = 1
        labels[10:20, left : left + 10] = number
    alpha[10:20, 15] = 0.5
    table = measure(labels, alpha, unit="physical", pixel_size=0.5)
    np.testing.assert_array_equal(table["label"], [3, 7])
    np.testing.assert_allclose(table["area"], [105 / 4, 25])
    np.testing.assert_allclose(table["mask_area_bias"], [100 / 105 - 1, 0])
    np.testing.assert_allclose(table["centroid_x"], [(9.5 * 100 + 15 * 5) / 105 / 2, 34.5 / 2])
    np.testing.assert_allclose(table["centroid_y"], [7.25, 7.25])
    np.testing.assert_allclose(table["perimeter"][1], 20, rtol=0.1)


def test_the_perimeter_is_that_of_a_disc():
    share = blurred(25, 1, 2)
    found = measure(np.int32(share > 0.5), share)
    assert found["perimeter"][0] == pytest.approx(2 * np.pi * 25, rel=0.01)


def test_a_foreground_and_colors():
    share = blurred(15, 1, 2)
    colors = np.float32([0.8, 0.4, 0.2])
    image = share[..., None] * colors + (1 - share[..., None]) * np.float32(0.1)
    foreground = np.broadcast_to(colors, image.shape)
    table = measure(np.int32(share > 0.5), share, image, foreground)
    for value, name in zip(colors, ("red", "green", "blue"), strict=True):
        assert table[f"mean_{name}"][0] == pytest.approx(value, rel=1e-4)
        assert table[f"background_{name}"][0] == pytest.approx(0.1, rel=1e-3)
        assert table[f"integrated_{name}"][0] == pytest.approx(value * share.sum(), rel=1e-3)


def test_an_object_without_a_matte_has_no_center_and_no_brightness():
    labels = np.int32([[0, 1, 1, 0]] * 4)
    table = measure(labels, np.zeros((4, 4), np.float32), np.ones((4, 4), np.float32))
    assert table["area"][0] == 0
    assert np.isnan(table["centroid_x"][0])
    assert np.isnan(table["mean"][0])
    assert np.isnan(table["mask_area_bias"][0])


def test_labels_that_cannot_be_used():
    alpha = np.ones((4, 4), np.float32)
    with pytest.raises(EmptyRegionError, match="0 everywhere"):
        measure(np.zeros((4, 4), np.int32), alpha)
    with pytest.raises(SizeMismatchError):
        measure(np.ones((4, 5), np.int32), alpha)


def test_the_command_prints_csv(tmp_path, capsys):
    share = blurred(15, 1, 2)
    files = [str(tmp_path / name) for name in ("labels.tif", "alpha.tif", "picture.tif")]
    cv2.imwrite(files[0], np.uint8(share > 0.5) * 4)
    write_image(files[1], share)
    write_image(files[2], np.dstack([share] * 3))
    assert main(["measure", *files[:2], "--image", files[2], "--quiet"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["label"] == "4"
    assert float(row["area"]) == pytest.approx(np.pi * 225, rel=0.005)
