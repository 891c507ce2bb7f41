"""Weights and inputs that anyone can make again, and what the published networks made of them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt

from matting_nodes.models.catalog import model
from matting_nodes.models.pool import POOL

GOLDEN = Path(__file__).parent / "golden"
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def fill(shapes, seed=0, bn=(0.3, 0.9)):
    """Derive every tensor of a state dict from its key and shape; bn: range of norms' weights."""
    state = {}
    for key, shape in shapes.items():
        random = np.random.RandomState((zlib.crc32(key.encode()) + seed) % 2**32)
        if key.endswith("num_batches_tracked"):
            state[key] = np.zeros(shape, np.int64)
        elif not key.endswith(("weight_u", "weight_v")):
            state[key] = np.asarray(_values(random, key, shape, bn), np.float32).reshape(shape)
    for key in shapes:
        if key.endswith("weight_u"):
            state[key], state[key[:-1] + "v"] = _singular_vectors(state[key[:-1] + "bar"])
    return {key: torch.from_numpy(values) for key, values in state.items()}


def _values(random, key, shape, bn):
    if key.endswith("running_mean"):
        return 0.1 * random.standard_normal(shape)
    if key.endswith("running_var"):
        return random.uniform(0.5, 1.5, shape)
    if len(shape) >= 2:
        return random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
    return (
        random.uniform(*bn, shape)
        if key.endswith("weight")
        else 0.1 * random.standard_normal(shape)
    )


def _singular_vectors(weight):
    """Spectral norm's u and v after one step from ones."""
    matrix = weight.astype(np.float64).reshape(len(weight), -1)
    v = matrix.T @ np.ones(len(matrix))
    v /= np.linalg.norm(v)
    u = matrix @ v
    return (u / np.linalg.norm(u)).astype(np.float32), v.astype(np.float32)


def image_and_trimap(height, width, seed=0):
    """Return a smooth picture, (H, W, 3) in 0..1, and a trimap of ellipses, 0, 128 and 255."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    random = np.random.RandomState(1000 + seed)
    image = np.zeros((height, width, 3))
    for channel in range(3):
        for _ in range(4):
            down, right = random.uniform(0.02, 0.3), random.uniform(0.02, 0.3)
            phase, height_of_wave = random.uniform(0, 6.28), random.uniform(0.05, 0.2)
            image[..., channel] += height_of_wave * np.sin(down * y + right * x + phase)
    image = np.clip(image + 0.5, 0, 1).astype(np.float32)
    radius = np.hypot((y - height / 2) / (height / 2), (x - width / 2) / (width / 2))
    trimap = np.full((height, width), 128, np.uint8)
    trimap[radius < 0.45] = 255
    trimap[radius > 0.8] = 0
    return image, trimap


def planes(*arrays):
    return torch.from_numpy(np.stack(arrays).astype(np.float32))


def rgb(image, trimap):
    return torch.from_numpy((image - MEAN) / STD).permute(2, 0, 1)


def bgr(image, trimap):
    values = (255 * image[..., ::-1] - np.array([114, 121, 134])) / 255
    return torch.from_numpy(values.astype(np.float32)).permute(2, 0, 1)


def rgb_and_trimap(image, trimap):
    return torch.cat((rgb(image, trimap), planes(trimap / 255)))


def rgb_and_one_hot(image, trimap):
    return torch.cat((rgb(image, trimap), planes(trimap == 0, trimap == 128, trimap == 255)))


def rgb_distances_and_trimap(image, trimap):
    known = (trimap == 0, trimap == 255)
    squares = [distance_transform_edt(~region) ** 2 for region in known]
    nearness = [np.exp(-d / (2 * (320 * s) ** 2)) for d in squares for s in (0.02, 0.08, 0.16)]
    return torch.cat((rgb(image, trimap), planes(*nearness), planes(*known)))


@dataclass
class Published:
    """A network as it was published: its keys, how its input is made, what came out of it."""

    name: str
    prepare: Callable[..., torch.Tensor]
    bn: tuple[float, float] = (0.3, 0.9)
    half_precision: float = 0.05
    """The relative error that bfloat16 may bring: some random weights amplify it."""

    def build(self):
        return model(self.name).build()

    def shapes(self):
        return json.loads((GOLDEN / f"{self.name}_keys.json").read_text())

    def network(self):
        network = self.build().eval()
        network.load_state_dict(fill(self.shapes(), bn=self.bn), strict=True)
        return network

    def input(self, height=64, width=96, seed=0):
        return self.prepare(*image_and_trimap(height, width, seed))[None]

    def outputs(self):
        with np.load(GOLDEN / f"{self.name}_seed0.npz") as arrays:
            names = [name for name in arrays if name != "distance_maps"]
            return [torch.from_numpy(arrays[name]) for name in names]


ALL = [
    Published("indexnet", rgb_and_trimap, bn=(1.0, 2.0), half_precision=0.3),
    Published("gca", rgb_and_one_hot),
    Published("dim_vgg16", rgb_and_trimap),
    Published("dim_segnet", rgb_and_trimap),
    Published("tnet", bgr),
    Published("unet_resnext50", rgb),
    Published("fba", rgb_distances_and_trimap),
]


# How the published checkpoints hold their tensors
WRAPPED = {"indexnet": "module.", "gca": "module.", "dim_vgg16": ""}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Return a function that writes a network's checkpoint as its authors did; one at a time."""
    folder = tmp_path_factory.mktemp("weights")

    def write(name):
        published = next(p for p in ALL if p.name == name)
        path = folder / f"{name}.pth"
        if not path.exists():
            for other in folder.iterdir():
                other.unlink()
            POOL.free()
            state = fill(published.shapes(), bn=published.bn)
            if name in WRAPPED:
                state = {WRAPPED[name] + key: value for key, value in state.items()}
                state = {"epoch": 30, "state_dict": state}
            torch.save(state, path)
        return str(path)

    yield write
    POOL.free()
    for path in folder.iterdir():
        path.unlink()


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    """Every test of this room runs on one thread."""


@pytest.fixture(scope="module", params=ALL, ids=lambda published: published.name)
def published(request):
    return request.param


@pytest.fixture(scope="module")
def network(published):
    """The network with weights that anyone can make again, in eval mode."""
    return published.network()


@pytest.fixture(scope="session")
def relative_error():
    """‖found − expected‖ / ‖expected‖."""

    def error(found, expected):
        return float((found.to(expected.dtype) - expected).norm() / expected.norm())

    return error


@pytest.fixture(scope="session")
def made_up():
    """Gives a network weights by which it looks around more than as it was made."""

    def filled(network, bn=(0.3, 0.9)):
        state = network.state_dict()
        floating = {k: list(v.shape) for k, v in state.items() if v.is_floating_point()}
        network.load_state_dict(state | fill(floating, bn=bn))
        return network.eval()

    return filled


@pytest.fixture(scope="session")
def finished_apart(relative_error):
    """How far parts of a network's features are, finished alone, from finishing all of them."""

    def error(network, x):
        with torch.no_grad():
            features = network.begin(x)
            whole = _last(network.finish(*features))
        width = x.shape[3]
        coarsest = max(width // feature.shape[3] for feature in features)

        def with_margin(margin):
            begin, end = width // 2 - margin, width // 2 + 32 + margin
            parts = [
                f[..., begin * f.shape[3] // width : end * f.shape[3] // width] for f in features
            ]
            with torch.no_grad():
                found = _last(network.finish(*parts))[..., margin : margin + 32]
            return relative_error(found, whole[..., width // 2 : width // 2 + 32])

        return with_margin(-(-network.near // coarsest) * coarsest), with_margin(coarsest)

    return error


def _last(answer):
    return answer[-1] if isinstance(answer, tuple) else answer
