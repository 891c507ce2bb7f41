"""Draw what every parameter does: python scripts/draw_parameters.py [words of a name …].

One strip a parameter, the same input under several values, into docs/pictures/parameters/.
The pages in docs/nodes/ show them; `scripts/generate.py` writes those.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from skimage import data

from matting_nodes import composite, sample_data
from matting_nodes.arrays import as_image, as_rgb
from matting_nodes.framework.parameters import Parameter
from matting_nodes.framework.run import run
from matting_nodes.framework.spec import NodeSpec
from matting_nodes.nodes import all_nodes

PICTURES = Path(__file__).parent.parent / "docs/pictures/parameters"
WIDTH, CAPTION = 300, 26

# No strip: the pixels do not depend on it, or there is an error instead of a result. What
# normalization does shows in no photo, since a photo uses its whole range.
NOT_DRAWN = {
    "device",
    "precision",
    "tile",
    "normalization",
    "per_channel",
    "alpha_matte iterations",
    "difference_matte color",
    "difference_matte second_color",
}
# Values that show more than half and twice the default.
VALUES: dict[str, list[Any]] = {
    "alpha_gamma": [0.5, 1.0, 2.0],
    "black_point": [0.0, 0.2, 0.5],
    "checker_size": [8, 16, 48],
    "choke": [-4, 0, 4],
    "color": ["white", "#7a3b52", "transparent"],
    "despill_amount": [0.0, 0.5, 1.0],
    "epsilon": [1e-9, 1e-7, 1e-4],
    "grabcut iterations": [1, 2, 5],
    "largest_hole": [0, 200, 4000],
    "least_difference": [0.05, 0.2, 0.45],
    "registration": ["align", "ignore"],
    "band largest_hole": [0, 1, 10],
    "structuring_element largest_hole": [0, 1, 10],
    "pixel_size": [0.5, 1.0, 2.0],
    "print_resolution": [72, 150, 300],
    "smallest_object": [0, 60, 2000],
    "smallest_region": [0, 100, 4000],
    "soft high": [0.6, 0.8, 0.95],
    "soft low": [0.05, 0.2, 0.4],
    "structuring_element iterations": [1, 3, 8],
    "guided_filter epsilon": [1e-6, 1e-4, 1e-2],
    "guided_filter radius": [5, 20, 80],
    "large_kernel radius": [3, 10, 20],
    "blur_fusion radius": [5, 45, 150],
    "regularization": [1e-5, 1e-1, 1.0],
    "white_point": [0.5, 0.8, 1.0],
    "window": [11, 51, 201],
    "working_size": [64, 256, 1024],
}
# What must be set besides, for the parameter to matter.
BESIDES: dict[str, dict[str, Any]] = {
    "blur_radius": {"backdrop": "blur"},
    "checker_size": {"backdrop": "checkerboard"},
    "despill_amount": {"despill": "green"},
    "linear_light": {"color": "#7a3b52"},
    "pixel_size": {"unit": "physical"},
    "premultiplied": {"color": "transparent"},
    "print_resolution": {"print_size": "25x35_mm", "backdrop": "id_blue"},
    "print_size": {"backdrop": "id_blue"},
    "window": {"algorithm": "local"},
    "smallest_region": {"inner": 4.0, "outer": 4.0},
}
# What is seen in the fur alone.
CLOSE = {"alpha_gamma", "black_point", "choke", "linear_light", "premultiplied", "white_point"}
FUR = np.s_[60:160, 200:350]


def parameters() -> Iterator[tuple[NodeSpec, str, Parameter]]:
    """Yield every parameter that is drawn, with its node and method ("" for the node's own)."""
    for spec in all_nodes():
        owners = [("", spec.parameters)] + [(n, m.parameters) for n, m in spec.methods.items()]
        for method, owned in owners:
            yield from ((spec, method, p) for p in owned if drawn(spec, method, p))


def drawn(spec: NodeSpec, method: str, parameter: Parameter) -> bool:
    """Tell whether a parameter has a picture."""
    # Networks' results cannot be drawn without their weights, and an ID photo not without a face.
    if spec.name == "id_photo" or method == "onnx" or (method and spec.methods[method].is_network):
        return False
    # Nor is a table a picture.
    if not any(output.kind.is_picture for output in spec.outputs):
        return False
    return not {parameter.name, f"{spec.name} {parameter.name}"} & NOT_DRAWN


def picture_path(spec: NodeSpec, method: str, parameter: Parameter) -> Path:
    """Return where a parameter's strip is kept."""
    return PICTURES / ("-".join(filter(None, (spec.name, method, parameter.name))) + ".jpg")


def values(method: str, parameter: Parameter) -> list[Any]:
    """Return the values that are drawn."""
    for key in (f"{method} {parameter.name}", parameter.name):
        if key in VALUES:
            return VALUES[key]
    if parameter.choices:
        return list(parameter.choices)
    if parameter.type is bool:
        return [False, True]
    default, slider = parameter.default, parameter.slider
    assert slider is not None, f"{parameter.name} needs an entry in VALUES"
    spread = [default / 2, default, default * 2]
    return [parameter.type(min(max(v, slider.minimum), slider.maximum)) for v in spread]


def inputs(spec: NodeSpec, method: str, name: str) -> dict[str, Any]:
    """Return the inputs that a node is shown at work on."""
    lemur, alpha = sample_data.lemur(), sample_data.lemur_alpha()
    if spec.name == "segment":
        in_color = method == "grabcut" or name == "channel"
        image = lemur if in_color else data.coins()
        return {"image": image, **({"box": (150, 50, 540, 440)} if method == "grabcut" else {})}
    if spec.name == "make_trimap":
        mask = alpha[FUR] if method == "soft" else _islands()
        return {"mask": mask} if method != "per_label" else {"labels": _touching()}
    if spec.name == "composite" and name in CLOSE:
        return {"image": lemur[FUR], "alpha": alpha[FUR]}
    if spec.name == "composite":
        given = {"image": lemur, "alpha": alpha}
        if name.startswith("despill"):
            given["image"] = _before_green(lemur, alpha)
        return given | ({"background": sample_data.beach()[:150, :150]} if name == "fit" else {})
    if spec.name == "difference_matte":
        return _before_two(lemur[FUR], alpha[FUR], name)
    wanted = {w.name for w in spec.inputs}
    given = {"image": lemur[FUR], "alpha": alpha[FUR], "trimap": sample_data.lemur_trimap()[FUR]}
    return {key: value for key, value in given.items() if key in wanted}


def _before_two(colors: np.ndarray, alpha: np.ndarray, name: str) -> dict[str, Any]:
    """Fur before white and black: the black one partly white, or shifted, to show what matters."""
    white, black = (alpha[..., None] * colors + (1 - alpha[..., None]) * b for b in (1, 0))
    if name == "registration":
        return {"image": white, "second_image": np.roll(black, 3, axis=1)}
    ramp = np.linspace(0, 1, alpha.shape[1], dtype=np.float32)[None, :, None]
    behind = np.broadcast_to(ramp, colors.shape)
    second = alpha[..., None] * colors + (1 - alpha[..., None]) * behind
    given = {"image": white, "second_image": second, "second_plate": behind}
    return given if name == "least_difference" else {"image": white, "second_image": black}


def _islands() -> np.ndarray:
    """The lemur's mask with two specks beside it."""
    mask = (sample_data.lemur_alpha() > 0.5).astype(np.float32)
    mask[60:90, 60:90], mask[200:240, 600:640] = 1, 1
    return mask


def _touching() -> np.ndarray:
    """The lemur's mask as two objects that touch."""
    labels = (sample_data.lemur_alpha() > 0.5).astype(np.int32)
    labels[:, 350:] *= 2
    return labels


def _before_green(lemur: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The lemur before a green screen that shines on it."""
    screen = np.float32([0.1, 0.8, 0.2])
    return composite(0.75 * lemur + 0.25 * screen, alpha, color="#1acc33")


def shown(spec: NodeSpec, given: dict[str, Any], result: dict[str, Any]) -> np.ndarray:
    """Return a result as a picture, (H, W, 3) in 0..1."""
    output = spec.outputs[0]
    value = result[output.name]
    if spec.name == "estimate_foreground":
        return composite(given["image"], given["alpha"], foreground=value)
    if value.ndim == 3 and value.shape[2] == 4:
        return composite(value[..., :3], value[..., 3], backdrop="checkerboard")
    return as_rgb(as_image(value))


def strip(spec: NodeSpec, method: str, parameter: Parameter) -> Pillow.Image:
    """Return the node's result under each value, side by side with the values above."""
    tiles = []
    for value in values(method, parameter):
        chosen = {"method": method} if method else {}
        given_values = chosen | BESIDES.get(parameter.name, {}) | {parameter.name: value}
        given = inputs(spec, method, parameter.name)
        picture = shown(spec, given, run(spec, given, given_values).values)
        tiles.append((f"{value:g}" if parameter.type in (int, float) else str(value), picture))
    return side_by_side(tiles)


def side_by_side(tiles: list[tuple[str, np.ndarray]]) -> Pillow.Image:
    """Return pictures of one width in rows of three, under their captions."""
    pictures = [(text, _scaled(picture)) for text, picture in tiles]
    columns = min(3, len(pictures))
    height = max(picture.height for _, picture in pictures) + CAPTION
    rows = -(-len(pictures) // columns)
    sheet = Pillow.new("RGB", (columns * (WIDTH + 6) - 6, rows * height), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (text, picture) in enumerate(pictures):
        x, y = index % columns * (WIDTH + 6), index // columns * height
        draw.text((x + 4, y + 3), text, fill="black", font=ImageFont.load_default(17))
        sheet.paste(picture, (x + (WIDTH - picture.width) // 2, y + CAPTION))
    return sheet


def _scaled(picture: np.ndarray) -> Pillow.Image:
    image = Pillow.fromarray(np.round(picture * 255).astype(np.uint8))
    # What is smaller than a tile shows its size, but for the small pieces of fur.
    if image.size == (150, 100):
        return image.resize((WIDTH, 200), Pillow.Resampling.NEAREST)
    image.thumbnail((WIDTH, WIDTH))
    return image


def main(words: list[str]) -> None:
    """Draw the strips whose names hold one of the words, or all."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for spec, method, parameter in parameters():
        path = picture_path(spec, method, parameter)
        if not words or any(word in path.stem for word in words):
            strip(spec, method, parameter).save(path, quality=82)
            print(path.name)


if __name__ == "__main__":
    main(sys.argv[1:])
