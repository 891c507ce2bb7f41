"""Networks that tell the object by themselves, as Segment and Alpha Matte use them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Image, Mask, as_rgb
from ..job import Job
from ..resizing import resized
from .catalog import model
from .inputs import Planes, in_8_bits, in_floats, normalized
from .predict import predict

STRIDE = 32
DYNAMIC = (256, 2304)
"""Sides of the pictures that the dynamic BiRefNet was trained on, in pixels."""
DOUBT = 0.02
"""Two orders of patches differ much if their masks do by more in the mean."""


def birefnet_mask(
    name: str,
    image: Image,
    *,
    side: int,
    patch_order: str,
    job: Job,
    **where: Any,
) -> Mask:
    """Return what BiRefNet makes of a picture, (H, W), 0..1.

    As published, the picture is squashed to a square by Pillow's linear filter, and the mask is
    brought back by its cubic one; but not in 8 bits.

    Parameters
    ----------
    name : str
        Name in the catalog.
    image : (H, W, 3) or (H, W, 1) float32, 0..1
    side : int, pixels
        Side of the square; 0 is what the network was trained at.
    patch_order : {"as published", "rows", "columns", "check"}
        Order of the patches that the decoder sees; "check" tries both, takes the mask with less
        doubt, and tells if they differ much.
    job : Job
    **where
        Device, precision and weights, as `predict` takes them.
    """
    height, width = image.shape[:2]
    planes = normalized(_squashed(image, *_size(height, width, side or model(name).side)))
    published = bool(model(name).arguments["columns"])
    orders = {"as published": (published,), "rows": (False,), "columns": (True,)}
    chosen = orders.get(patch_order, (published, not published))
    masks = [_birefnet(name, planes, columns, part, where) for columns, part in job.each(chosen)]
    mask = masks[0]
    if len(masks) == 2:
        difference = float(abs(masks[0] - masks[1]).mean())
        doubts = [float(((m > 0.1) & (m < 0.9)).mean()) for m in masks]
        best = int(doubts[1] < doubts[0])
        mask = masks[best]
        if difference > DOUBT:
            words = ["by columns" if columns else "by rows" for columns in chosen]
            job.announce(
                f"The two orders of patches differ by {difference:.3f} in the mean; taken is "
                f"{words[best]}, in doubt about {doubts[best]:.1%} of the pixels and not "
                f"{doubts[1 - best]:.1%}"
            )
    return _enlarged(mask, height, width)


def ben2_matte(image: Image, *, job: Job, **where: Any) -> Mask:
    """Return BEN2's matte of a picture's object, (H, W), 0..1.

    As published, the picture is squashed to a square by Lanczos' filter in 8 bits, the matte comes
    back by the linear one, and its least and largest value become 0 and 1.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
    job : Job
    **where
        Device, precision and weights, as `predict` takes them.
    """
    from PIL.Image import Resampling
    from scipy.special import expit

    side = model("ben2").side
    planes = normalized(_squashed(image, side, side, Resampling.LANCZOS))
    wanted = np.ones((side, side), bool)
    small = expit(predict("ben2", planes, wanted, tile=0, job=job, **where)[0])
    matte = _interpolated(small, *image.shape[:2])
    low, high = matte.min(), matte.max()
    return matte if low == high else (matte - low) / (high - low)


def modnet_matte(image: Image, *, side: int, recipe: str, job: Job, **where: Any) -> Mask:
    """Return MODNet's matte of a portrait, (H, W), 0..1.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
    side : int, pixels
        The shorter side of what the network looks at. Published: not where the picture's longer
        side is at least as long and its shorter one at most.
    recipe : {"published", "full"}
        Sides become multiples of 32 by squashing the picture, as published, or by reflection.
    job : Job
    **where
        Device, precision and weights, as `predict` takes them.
    """
    height, width = image.shape[:2]
    high, wide = modnet_size(height, width, side, always=recipe == "full")
    if recipe == "published":
        high, wide = (max(STRIDE, s // STRIDE * STRIDE) for s in (high, wide))
        planes = _by_area(in_floats(in_8_bits(image)).transpose(2, 0, 1), high, wide)
    else:
        planes = resized(as_rgb(image), high, wide).transpose(2, 0, 1)
    planes = np.ascontiguousarray(2 * planes - 1, np.float32)
    wanted = np.ones((high, wide), bool)
    matte = predict("modnet", planes, wanted, tile=0, job=job, **where)
    if recipe == "published":
        matte = _by_area(matte, height, width)
    return resized(matte[0], height, width).clip(0, 1)


def modnet_size(height: int, width: int, side: int, always: bool = False) -> tuple[int, int]:
    """Return height and width that MODNet looks at, before they become multiples of its stride.

    Parameters
    ----------
    height, width : int, pixels
        Of the picture.
    side : int, pixels
        What the shorter side becomes.
    always : bool
        Also where the picture's longer side is at least as long and its shorter one at most, which
        as published stays as it is.
    """
    shorter = min(height, width)
    if not (always or max(height, width) < side or shorter > side):
        return height, width
    # Truncated, as published.
    high, wide = (side if s == shorter else int(s * side / shorter) for s in (height, width))
    return high, wide


def _birefnet(name: str, planes: Planes, columns: bool, job: Job, where: dict[str, Any]) -> Mask:
    """Return the mask at the network's size, (h, w)."""
    from scipy.special import expit

    logits = predict(
        name,
        planes,
        np.ones(planes.shape[1:], bool),
        tile=0,
        call=lambda network, x: network(x, columns),
        job=job,
        **where,
    )
    mask: Mask = expit(logits[0])
    return mask


def _size(height: int, width: int, side: int) -> tuple[int, int]:
    """Return height and width that BiRefNet looks at."""
    if side:
        rounded = max(STRIDE, side // STRIDE * STRIDE)
        return rounded, rounded
    # Any size: rounded down to multiples, as in training, within the sizes of training.
    least, most = DYNAMIC
    scale = max(least / min(height, width), 1.0)
    scale = min(scale, most / max(height, width))
    high, wide = (max(STRIDE, int(s * scale) // STRIDE * STRIDE) for s in (height, width))
    return high, wide


def _squashed(image: Image, height: int, width: int, resample: int = 2) -> Image:
    """Return a picture at another size by a filter of Pillow's, by default the linear one."""
    from PIL import Image as Pillow

    picture = Pillow.fromarray(in_8_bits(image))
    squashed = picture.resize((width, height), Pillow.Resampling(resample))
    return in_floats(np.asarray(squashed))


def _enlarged(mask: Mask, height: int, width: int) -> Mask:
    from PIL import Image as Pillow

    large = Pillow.fromarray(mask).resize((width, height), Pillow.Resampling.BICUBIC)
    return np.asarray(large).clip(0, 1)


def _interpolated(mask: Mask, height: int, width: int) -> Mask:
    """Return a mask at another size by PyTorch's linear filter, which averages nothing."""
    from torch import from_numpy
    from torch.nn.functional import interpolate

    tensor = from_numpy(mask)[None, None]
    found: Mask = interpolate(tensor, (height, width), mode="bilinear")[0, 0].numpy()
    return found


def _by_area(planes: Planes, height: int, width: int) -> Planes:
    """Return planes at another size as PyTorch's area interpolation makes them, (C, H, W)."""
    from torch import from_numpy
    from torch.nn.functional import interpolate

    tensor = from_numpy(np.ascontiguousarray(planes))[None]
    result: Planes = interpolate(tensor, (height, width), mode="area")[0].numpy()
    return result
