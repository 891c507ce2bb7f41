"""Measure: areas, edges and intensities of objects, by their matte."""

from __future__ import annotations

from typing import Annotated, Literal

from ..arrays import Alpha, Columns, Image, Labels, ValuesOf
from ..compositing.soft_objects import intensities, owners, shapes
from ..framework.normalization import ValueRange
from ..framework.parameters import Advanced, PixelSize, Slider
from ..framework.register import node
from ..job import Job


@node(
    title="Measure",
    command="measure",
    step=8,
    aliases=("regionprops", "area", "intensity", "partial volume", "microscopy", "quantify"),
)
def measure(
    labels: Labels,
    alpha: Alpha,
    image: Image | None = None,
    foreground: Annotated[Image, ValuesOf("image", jointly=True)] | None = None,
    *,
    reach: Annotated[float, Slider(0, 200, unit="px")] = 10.0,
    unit: Literal["px", "physical"] = "px",
    pixel_size: Annotated[
        float, Slider(1e-9, 1e9), Advanced(), PixelSize("unit", "physical")
    ] = 1.0,
    image_range: ValueRange | None,
    job: Job,
) -> Columns:
    """Measure each object by its matte: a pixel counts by the share of it that is object.

    A pixel belongs to the nearest object within reach. With sums over these pixels and p the side
    of a pixel:

    - area = p² Σ α, in unit²; equivalent_diameter = 2 √(area / π), in units;
    - centroid_x, centroid_y = p Σ α x / Σ α, in units from the center of the first pixel;
    - perimeter: length of the contour α = ½ (marching squares on alpha smoothed by 1 px), in units;
    - edge_width: from α = 0.1 to 0.9 of a Gaussian edge, 2.5631 p² Σ (α(1 − α))² / (c · perimeter),
      in units, where c = ∫ (Φ(1 − Φ))² dz = 0.0990038. The box of the pixel is part of it;
    - mean, background = F, B that minimize Σ (I − αF − (1 − α)B)²: corrected for partial volume;
    - integrated = Σ (I − (1 − α) background), intensity × pixels; difference = mean − background;
      with a foreground, integrated = Σ αF and mean = Σ αF / Σ α;
    - mask_area in unit², mask_area_bias, mask_mean_bias and mask_integrated_bias: what the label as
      a hard mask gives, relative to the above minus 1.

    What cannot be measured, such as the edge of an object without one, is NaN.

    Parameters
    ----------
    labels : (H, W) int32
        Numbered objects.
    alpha : (H, W) float32, 0..1
        The matte of all of them.
    image : (H, W, 3) or (H, W, 1) float32, optional
        The picture, for intensities.
    foreground : like image, optional
        Its unmixed foreground, from EstimateForeground.
    reach : float, pixels
        How far beyond its label an object's soft edge is measured.
    unit : {"px", "physical"}
        px is pixels; physical the unit of pixel_size.
    pixel_size : float
        Side of a pixel in the physical unit. In napari, the layer's scale unless set.
    image_range : ValueRange, optional
        The values of the picture that became 0 and 1.

    Returns
    -------
    table : dict of (N,) float64
        A row for each object, by its label. Intensities are in the picture's own numbers, or 0..1
        where it uses its type's range; in color, of each channel.

    Raises
    ------
    EmptyRegionError
        If there is no object.
    """
    pixel = pixel_size if unit == "physical" else 1.0
    owner = owners(labels, reach)
    job.step(0.2)
    table = shapes(labels, owner, alpha, pixel, job)
    if image is None:
        return table
    suffixes = ("",) if image.shape[2] == 1 else ("_red", "_green", "_blue")
    pictures = [
        picture if picture is None or image_range is None else image_range.restored(picture)
        for picture in (image, foreground)
    ]
    seen, unmixed = pictures
    assert seen is not None
    for channel, suffix in enumerate(suffixes):
        job.step(0.4 + 0.6 * channel / len(suffixes))
        own = None if unmixed is None else unmixed[..., min(channel, unmixed.shape[2] - 1)]
        columns = intensities(labels, owner, alpha, seen[..., channel], own, job)
        table |= {f"{name}{suffix}": column for name, column in columns.items()}
    return table
