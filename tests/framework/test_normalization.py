"""A matte depends on what a picture shows, not on the numbers that it is stored in."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from matting_nodes import alpha_matte, composite, estimate_foreground, sample_data, segment
from matting_nodes.alpha.propagation.session import MattingSession
from matting_nodes.errors import ValueRangeError
from matting_nodes.framework.frames import map_frames
from matting_nodes.framework.normalization import measured, normalized
from matting_nodes.framework.run import run
from matting_nodes.io import images

PART = np.s_[70:130, 230:310]
PHOTO = np.round(sample_data.lemur()[PART] * 255).astype(np.uint8)
TRIMAP = sample_data.lemur_trimap()[PART]
ALPHA = sample_data.lemur_alpha()[PART]
LOW, HIGH = int(PHOTO.min()), int(PHOTO.max())


def counted(dtype, scale, offset=0):
    """The photo in other numbers."""
    return (PHOTO.astype(np.float64) * scale + offset).astype(dtype)


# The same picture in every type that hosts hand over, scaled and shifted.
COUNTS = {
    "12 bits in uint16": counted(np.uint16, 16),
    "300 counts above an offset": counted(np.uint16, 1, 100),
    "shifted to the middle": counted(np.uint16, 1, 32768),
    "uint32": counted(np.uint32, 16, 7),
    "int16": counted(np.int16, 3, -500),
    "int32": counted(np.int32, 1000, -(10**6)),
    "int64": counted(np.int64, 10**6, 10**12),
    "small floats": counted(np.float32, 0.0001, 0.01),
    "large floats": counted(np.float32, 40, -3000),
    "doubles": counted(np.float64, 1e9, 1e12),
}
NODES = {
    "matte": lambda image, **more: alpha_matte(image, TRIMAP, **more),
    "closed form": lambda image, **more: alpha_matte(image, TRIMAP, method="closed_form", **more),
    "guided filter": lambda image, **more: alpha_matte(
        image, TRIMAP, method="guided_filter", **more
    ),
    "GrabCut": lambda image, **more: segment(image, iterations=1, **more),
    "Otsu": lambda image, **more: segment(image, method="threshold", **more),
}


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("node", NODES)
def test_the_same_matte_whatever_the_numbers(node, counts):
    """Scaled by its own range, as auto does with counts, the photo is the same photo."""
    expected = NODES[node](PHOTO, normalization="picture")
    np.testing.assert_allclose(NODES[node](COUNTS[counts]), expected, atol=2e-3)


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("backdrop", ["color", "checkerboard", "blur"])
def test_a_composite_is_in_the_pictures_own_numbers(counts, backdrop):
    image = COUNTS[counts]
    low, high = float(image.min()), float(image.max())
    result = composite(image, ALPHA, backdrop=backdrop)
    kept = ALPHA == 1
    rounding = 1e-6 * (abs(low) + abs(high))
    np.testing.assert_allclose(result[kept], image[kept], atol=rounding)
    assert result.max() <= high + rounding
    scaled = (result.astype(np.float64) - low) / (high - low)
    plain = composite(PHOTO, ALPHA, backdrop=backdrop, normalization="picture")
    np.testing.assert_allclose(scaled, (255 * plain - LOW) / (HIGH - LOW), atol=1e-3)


@pytest.mark.parametrize("counts", COUNTS)
def test_a_foreground_and_its_picture_share_their_numbers(counts):
    image = COUNTS[counts]
    foreground, _ = estimate_foreground(image, ALPHA)
    result = composite(image, ALPHA, foreground=foreground)
    low, high = float(image.min()), float(image.max())
    expected = composite(
        PHOTO,
        ALPHA,
        foreground=estimate_foreground(PHOTO, ALPHA, normalization="picture")[0],
        normalization="picture",
    )
    np.testing.assert_allclose(
        (result.astype(np.float64) - low) / (high - low),
        (255 * expected - LOW) / (HIGH - LOW),
        atol=2e-3,
    )


@pytest.mark.parametrize(
    "picture",
    [
        PHOTO,
        PHOTO // 8,  # a dark one
        PHOTO / np.float32(255),
        (PHOTO // 8) / np.float32(255),  # as ComfyUI hands over a dark picture of 8 bits
        PHOTO.astype(np.uint16) * 257,
        (PHOTO // 2 + 100).astype(np.uint16) * 257,
        PHOTO > 100,
    ],
    ids=["8", "dark 8", "float", "dark float", "16", "pale 16", "bool"],
)
def test_photographs_stay_as_they_are(picture):
    auto, none = (
        run(composite, {"image": picture, "alpha": ALPHA}, {"normalization": mode})
        for mode in ("auto", "none")
    )
    np.testing.assert_array_equal(auto.values["image"], none.values["image"])
    assert auto.provenance["ranges"] == {"image": None}


def test_what_was_applied_is_in_the_provenance():
    inputs = {"image": COUNTS["int16"], "trimap": TRIMAP}
    provenance = run(alpha_matte, inputs).provenance
    assert provenance["ranges"] == {"image": [3 * LOW - 500, 3 * HIGH - 500]}
    assert provenance["parameters"]["normalization"] == "auto"


def test_a_bright_plane_changes_no_other_matte():
    image = COUNTS["12 bits in uint16"] // 8
    planes = [image, image * 8]
    results = map_frames(alpha_matte, {"image": planes, "trimap": [TRIMAP]})
    first, second = (result.values["alpha"] for result in results)
    np.testing.assert_array_equal(first, alpha_matte(image, TRIMAP))
    np.testing.assert_allclose(first, second, atol=2e-3)


@pytest.mark.parametrize("mode", ["auto", "stack"])
def test_behind_all_planes_of_a_stack_lies_the_same_white(mode):
    image = COUNTS["12 bits in uint16"]
    inputs = {"image": [image // 2, image], "alpha": [ALPHA]}
    for result in map_frames(composite, inputs, {"normalization": mode}):
        assert result.values["image"].max() == pytest.approx(16 * HIGH)
        assert result.provenance["ranges"]["image"][1] == 16 * HIGH


def test_percentiles_look_past_a_hot_pixel():
    image = COUNTS["12 bits in uint16"].copy()
    # From a box: what stands out is searched for by steps, which the values' last digits may turn.
    expected = segment(image, iterations=1, start="box")
    image[0, 0] = 65535
    cut, whole = (
        np.abs(segment(image, iterations=1, start="box", normalization=mode) - expected).mean()
        for mode in ("percentiles", "picture")
    )
    assert cut < 0.02 < whole


def test_channels_may_be_normalized_each_by_itself():
    stains = np.dstack([PHOTO[..., 0] * np.uint16(1), PHOTO[..., 1] * np.uint16(100)])
    provenance = run(
        alpha_matte, {"image": stains, "trimap": TRIMAP}, {"per_channel": True}
    ).provenance
    low, high = 65535 * np.array(provenance["ranges"]["image"])
    np.testing.assert_allclose(high, [PHOTO[..., 0].max(), 100 * int(PHOTO[..., 1].max())])
    np.testing.assert_allclose(low, [PHOTO[..., 0].min(), 100 * int(PHOTO[..., 1].min())])


def test_without_a_normalization_numbers_must_have_a_range():
    with pytest.raises(ValueRangeError, match="int16"):
        alpha_matte(COUNTS["int16"], TRIMAP, normalization="none")
    with pytest.raises(ValueRangeError, match="values from"):
        alpha_matte(COUNTS["large floats"], TRIMAP, normalization="none")
    with pytest.raises(ValueRangeError, match="60 values that are NaN"):
        alpha_matte(np.where(np.arange(80) == 3, np.nan, 0.5) * np.ones((60, 1)), TRIMAP)


@pytest.mark.parametrize("counts", ["12 bits in uint16", "int16", "small floats"])
def test_a_session_takes_the_same_numbers(counts):
    session = MattingSession.begin(COUNTS[counts], TRIMAP)
    np.testing.assert_allclose(session.alpha, alpha_matte(COUNTS[counts], TRIMAP), atol=1e-6)


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_counts_are_written_as_counts(tmp_path, name):
    result = composite(COUNTS["12 bits in uint16"], np.ones_like(ALPHA))
    back = images.read_image(images.write_image(tmp_path / name, result))
    np.testing.assert_allclose(back, COUNTS["12 bits in uint16"], atol=0.01)


def test_grey_counts_on_white_reach_the_brightest_count(tmp_path):
    """Composites of camera data came out black."""
    counts = COUNTS["300 counts above an offset"][..., 1]
    tifffile.imwrite(tmp_path / "a.tif", counts)
    result = composite(images.read_image(tmp_path / "a.tif"), ALPHA)
    assert result.shape == (*counts.shape, 3)
    np.testing.assert_allclose(result[ALPHA == 0], counts.max(), rtol=1e-6)


@pytest.mark.parametrize("value", [2**53, -(2**62), 1e30, -1e300])
def test_a_picture_of_one_huge_value_becomes_0(value):
    pixels = np.full((4, 5, 3), value)
    found = normalized(pixels, measured([pixels], "auto", "image"), "image")
    np.testing.assert_array_equal(found, np.zeros((4, 5, 3), np.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_may_span_all_that_their_type_holds(dtype):
    most = np.finfo(dtype).max
    pixels = np.array([-most, 0, most], dtype).reshape(1, 3, 1)
    found = normalized(pixels, measured([pixels], "auto", "image"), "image")
    np.testing.assert_array_equal(found.ravel(), [0, 0.5, 1])
