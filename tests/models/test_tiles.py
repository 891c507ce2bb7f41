"""Tiles against the whole picture, with real small networks on a real photo and its trimap."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from matting_nodes.errors import MemoryLimitError, ParameterError
from matting_nodes.job import Cancelled, Job
from matting_nodes.models._windows import spans, windows
from matting_nodes.models.tiles import run_tiled


class Flat(nn.Module):
    """Three convolutions, one dilated: sees 1 + 2 + 8 + 2 = 13 pixels."""

    stride, field_of_view = 1, 13

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(4, 8, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, padding=4, dilation=4),
            nn.ReLU(),
            nn.Conv2d(8, 2, 3, padding=1),
        )

    def forward(self, x):
        return self.layers(x)


class Unpooling(nn.Module):
    """Two levels of pooling, undone by unpooling with the remembered places, and skips."""

    stride, field_of_view = 4, 38

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([nn.Conv2d(4, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1)])
        self.middle = nn.Conv2d(6, 6, 3, padding=1)
        self.up = nn.ModuleList([nn.Conv2d(6, 6, 5, padding=2), nn.Conv2d(6, 1, 5, padding=2)])

    def forward(self, x):
        kept = []
        for layer in self.down:
            x = layer(x).relu()
            x, places = functional.max_pool2d(x, 2, return_indices=True)
            kept.append(places)
        x = self.middle(x).relu()
        for layer in self.up:
            x = layer(functional.max_unpool2d(x, kept.pop(), 2))
        return x


class Upsampling(nn.Module):
    """A strided encoder and bilinear upsampling; gives two outputs, the second counts."""

    stride, field_of_view = 8, 60

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            [nn.Conv2d(4 if n == 0 else 6, 6, 3, stride=2, padding=1) for n in range(3)]
        )
        self.last = nn.Conv2d(6, 1, 3, padding=1)

    def forward(self, x):
        for layer in self.down:
            x = layer(x).relu()
        return x, self.last(functional.interpolate(x, scale_factor=8.0, mode="bilinear")).sigmoid()


class Global(nn.Module):
    """Convolutions, moved by what the mean over the whole picture says: no view is enough."""

    stride = 2

    def __init__(self) -> None:
        super().__init__()
        self.local = Flat()
        self.look = nn.Linear(4, 2)

    def forward(self, x):
        return self.local(x) + 5 * self.look(x.mean((2, 3)))[..., None, None]


def seeded(kind):
    torch.manual_seed(0)
    return kind().eval()


@pytest.fixture(scope="module")
def photo(lemur, lemur_trimap):
    """Normalised picture with trimap, (4, H, W), and where it is unknown."""
    planes = np.concatenate([lemur - 0.5, lemur_trimap[..., None] / np.float32(255)], axis=2)
    unknown = (lemur_trimap > 0) & (lemur_trimap < 255)
    return np.ascontiguousarray(planes.transpose(2, 0, 1)), unknown


def directly(network, inputs):
    with torch.inference_mode():
        result = network(torch.from_numpy(inputs)[None])
    return (result[-1] if isinstance(result, tuple) else result)[0].numpy()


@pytest.mark.parametrize("kind", [Flat, Unpooling, Upsampling])
@pytest.mark.parametrize("tile", [104, 160, 256])
def test_tiles_give_what_the_whole_picture_gives(photo, kind, tile):
    inputs, unknown = photo
    network = seeded(kind)
    given = run_tiled(
        network,
        inputs,
        unknown,
        stride=kind.stride,
        field_of_view=kind.field_of_view,
        tile=tile,
    )
    assert given.tile == tile
    assert np.abs(given.values - directly(network, inputs))[:, unknown].max() <= 1e-4


@pytest.mark.parametrize("kind", [Flat, Unpooling, Upsampling])
def test_the_stated_field_of_view_is_the_real_one(kind):
    """What a network depends on, told by a NaN that spreads."""
    network, size = seeded(kind), 128
    reached = []
    for phase in range(kind.stride):
        spoilt = torch.zeros(1, 4, size, size)
        spoilt[..., 64 + phase, 64] = torch.nan
        with torch.inference_mode():
            result = network(spoilt)
        result = result[-1] if isinstance(result, tuple) else result
        rows = torch.nonzero(result[0, 0].isnan().any(1))[:, 0]
        reached += [64 + phase - rows.min(), rows.max() - (64 + phase)]
    assert max(reached) <= kind.field_of_view // 2 + kind.stride // 2


def test_margins_that_are_too_small_show(photo):
    """The comparison above can fail."""
    inputs, unknown = photo
    network = seeded(Unpooling)
    given = run_tiled(network, inputs, unknown, stride=4, field_of_view=1, tile=104)
    assert np.abs(given.values - directly(network, inputs))[:, unknown].max() > 1e-3


@pytest.mark.parametrize("size", [(5, 7), (33, 61), (97, 64), (1, 200)])
@pytest.mark.parametrize("padding", ["reflect", "replicate", "zeros"])
def test_any_size_is_padded_to_the_stride_and_cut_back(size, padding):
    inputs = np.random.default_rng(0).random((4, *size), np.float32)
    network = seeded(Upsampling)
    given = run_tiled(
        network, inputs, np.ones(size, bool), stride=8, field_of_view=60, padding=padding
    )
    assert given.values.shape == (1, *size)
    below, right = -size[0] % 8, -size[1] % 8
    mode = {"zeros": "constant", "replicate": "edge", "reflect": "reflect"}[padding]
    if padding == "reflect" and (below >= size[0] or right >= size[1]):
        mode = "edge"
    padded = np.pad(inputs, ((0, 0), (0, below), (0, right)), mode=mode)
    expected = directly(network, padded)[:, : size[0], : size[1]]
    np.testing.assert_allclose(given.values, expected, atol=1e-5)


class Watched(nn.Module):
    """Remembers the sizes that the network inside it is given."""

    def __init__(self, network) -> None:
        super().__init__()
        self.network, self.seen = network, []

    def forward(self, x):
        self.seen.append(tuple(x.shape))
        return self.network(x)


def test_only_tiles_with_unknown_pixels_run_and_memory_is_bounded(photo):
    inputs, _ = photo
    large = np.tile(inputs, (1, 4, 4))
    unknown = np.zeros(large.shape[1:], bool)
    unknown[300:340, 500:560] = unknown[1500:1520, 2000:2010] = True
    network = Watched(seeded(Flat))
    given = run_tiled(network, large, unknown, stride=1, field_of_view=13, tile=256, batch=2)
    assert {shape[1:] for shape in network.seen} == {(4, 256, 256)}
    assert sum(shape[0] for shape in network.seen) <= 6
    part = np.s_[:, 290:350, 490:570]
    whole = directly(network.network, np.ascontiguousarray(large[:, 200:400, 400:700]))
    np.testing.assert_allclose(
        given.values[part][:, 10:50, 10:70], whole[:, 100:140, 100:160], atol=1e-5
    )


def test_what_no_unknown_pixel_sees_is_not_looked_at(photo):
    inputs, unknown = photo
    some = np.zeros_like(unknown)
    y, x = np.argwhere(unknown)[unknown.sum() // 2]
    spot = np.s_[y - 30 : y + 30, x - 50 : x + 50]
    some[spot] = unknown[spot]
    network = Watched(seeded(Unpooling))
    given = run_tiled(network, inputs, some, stride=4, field_of_view=38)
    ((_, _, height, width),) = network.seen
    assert height <= 64 + 2 * 24
    assert width <= 104 + 2 * 24
    expected = directly(network.network, inputs)
    assert np.abs(given.values - expected)[:, some].max() <= 1e-4


def test_the_tile_that_is_chosen_is_the_least_work(photo):
    """Two unknown spots far apart: one window around both would be nearly all in vain."""
    large = np.zeros((4, 1500, 1500), np.float32)
    unknown = np.zeros(large.shape[1:], bool)
    unknown[10:20, 10:20] = unknown[1480:1490, 1480:1490] = True
    network = Watched(seeded(Flat))
    assert run_tiled(network, large, unknown, stride=1, field_of_view=13).tile == 256
    assert len(network.seen) == 2


def test_batches_do_not_change_the_result(photo):
    inputs, unknown = photo
    one, four = (
        run_tiled(
            seeded(Unpooling), inputs, unknown, stride=4, field_of_view=38, tile=128, batch=batch
        ).values
        for batch in (1, 4)
    )
    np.testing.assert_allclose(one, four, atol=1e-5)


def test_without_unknown_pixels_nothing_runs(photo):
    inputs, unknown = photo
    network = Watched(seeded(Flat))
    given = run_tiled(network, inputs, np.zeros_like(unknown), stride=1, field_of_view=13)
    assert not network.seen
    assert not given.values.any()


def test_a_tile_smaller_than_its_margins_is_refused(photo):
    with pytest.raises(ParameterError, match=r"tile is 40 px.*more than 48 px"):
        run_tiled(seeded(Unpooling), *photo, stride=4, field_of_view=38, tile=40)


def test_a_global_network_sees_the_picture_whole_while_it_fits(photo):
    inputs, unknown = photo
    network = seeded(Global)
    given = run_tiled(network, inputs, unknown, stride=2, field_of_view=None)
    assert given.tile == 0
    np.testing.assert_allclose(
        given.values[:, unknown], directly(network, inputs)[:, unknown], atol=1e-5
    )


def test_the_smaller_picture_corrects_tiles_of_a_global_network(photo):
    inputs, unknown = photo
    network = seeded(Global)
    expected = directly(network, inputs)[:, unknown]

    def error(**options):
        given = run_tiled(
            network,
            inputs,
            unknown,
            stride=2,
            field_of_view=None,
            tile=256,
            whole=75_000,
            **options,
        )
        assert given.tile == 256
        return np.abs(given.values[:, unknown] - expected).mean()

    assert error(context=False) > 0.05
    assert error(context=True) < error(context=False) / 5


def test_tiles_of_a_global_network_meet_without_a_seam(photo):
    inputs, unknown = photo
    network = seeded(Global)
    given = run_tiled(
        network,
        inputs,
        np.ones_like(unknown),
        stride=2,
        field_of_view=None,
        tile=256,
        context=False,
    ).values
    off = given - directly(network, inputs)
    # The tiles are off by up to this much, but from pixel to pixel hardly at all.
    assert np.abs(off).max() > 0.1
    assert np.abs(np.diff(off, axis=2)).max() < np.abs(off).max() / 20


class Hungry(nn.Module):
    """A network that asks for more memory than there is when its input is too large."""

    def __init__(self, network, pixels, error="real") -> None:
        super().__init__()
        self.network, self.pixels, self.error = network, pixels, error

    def forward(self, x):
        if x.shape[0] * x.shape[2] * x.shape[3] > self.pixels:
            if self.error == "real":
                torch.empty(1 << 60, dtype=torch.uint8)
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return self.network(x)


@pytest.mark.parametrize("error", ["real", "cuda"])
def test_on_short_memory_tiles_become_smaller_and_it_is_told(photo, error):
    inputs, unknown = photo
    told, network = [], seeded(Unpooling)
    given = run_tiled(
        Hungry(network, 230**2, error),
        inputs,
        unknown,
        stride=4,
        field_of_view=38,
        job=Job(lambda _, message: told.append(message)),
    )
    assert given.tile == 228
    assert given.notices[-1] == "Memory of cpu is short: tiles of 228 px"
    assert set(given.notices) <= set(told)
    assert np.abs(given.values - directly(network, inputs))[:, unknown].max() <= 1e-4


def test_on_short_memory_the_smaller_picture_is_no_larger_than_a_tile(photo):
    inputs, unknown = photo
    network = Watched(seeded(Global))
    hungry = Hungry(network, 130_000)
    given = run_tiled(hungry, inputs, unknown, stride=2, field_of_view=None, context=True)
    assert given.tile == 340
    assert len(given.notices) == 1
    assert all(height * width <= 340**2 for *_, height, width in network.seen)


def test_when_no_tile_fits_the_device_the_cpu_takes_over(photo):
    inputs, unknown = photo
    network = seeded(Flat)
    given = run_tiled(
        Hungry(network, 0),
        inputs,
        unknown,
        stride=1,
        field_of_view=13,
        on_cpu=lambda: network,
    )
    assert given.notices[-1] == "Memory of cpu is short: on the CPU, which is slower"
    assert given.tile == 0
    assert np.abs(given.values - directly(network, inputs))[:, unknown].max() <= 1e-4


def test_when_nothing_fits_it_is_a_clear_error(photo):
    with pytest.raises(MemoryLimitError, match="pixels to be solved do not fit the memory"):
        run_tiled(Hungry(seeded(Flat), 0), *photo, stride=1, field_of_view=13)


def test_short_memory_unloads_other_networks_first(photo, tiny, cache):
    from matting_nodes.models.pool import POOL

    POOL.free()
    with POOL.lease("tiny"):
        pass
    try:
        given = run_tiled(Hungry(seeded(Flat), 300**2), *photo, stride=1, field_of_view=13)
        assert given.notices[0] == "Memory of cpu is short: other networks were unloaded"
        assert POOL.held() == []
    finally:
        POOL.free()


def test_other_failures_are_not_hidden(photo):
    class Broken(nn.Module):
        def forward(self, x):
            raise RuntimeError("a mistake in the network")

    with pytest.raises(RuntimeError, match="a mistake in the network"):
        run_tiled(Broken(), *photo, stride=1, field_of_view=13)


def test_a_cancel_stops_within_one_tile(photo):
    network = Watched(seeded(Flat))
    job = Job(cancelled=lambda: len(network.seen) >= 2)
    with pytest.raises(Cancelled):
        run_tiled(network, *photo, stride=1, field_of_view=13, tile=128, job=job)
    assert len(network.seen) == 2


@pytest.mark.parametrize(("begin", "end"), [(0, 1000), (96, 704), (992, 1000), (0, 8)])
@pytest.mark.parametrize(("tile", "margin"), [(128, 16), (200, 64), (2000, 64), (96, 40)])
def test_cores_cover_every_pixel_once_on_the_strides_grid(begin, end, tile, margin):
    covered = np.zeros(1000, int)
    for span in spans(begin, end, 1000, tile, margin):
        covered[span.core] += 1
        assert span.start % 8 == 0
        assert span.stop - span.start == min(tile, 1000)
        assert span.start == 0 or span.first - span.start >= margin
        assert span.stop == 1000 or span.stop - span.last >= margin
    assert (covered[begin:end] == 1).all()
    assert covered.sum() == end - begin


def test_windows_hold_unknown_pixels(photo):
    _, unknown = photo
    chosen = windows(unknown, 96, 16, 8)
    assert all(unknown[rows.core, columns.core].any() for rows, columns in chosen)
    covered = np.zeros(unknown.shape, bool)
    for rows, columns in chosen:
        covered[rows.core, columns.core] = True
    assert covered[unknown].all()
