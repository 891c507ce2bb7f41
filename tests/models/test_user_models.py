from __future__ import annotations

import pytest
import torch

from matting_nodes.errors import ParameterError, WeightsError
from matting_nodes.models import user_models, weights
from matting_nodes.models.pool import Pool


@pytest.fixture
def mine(tiny, cache, network, tmp_path):
    torch.save({"state_dict": network.state_dict()}, tmp_path / "trained.pth")
    return user_models.keep(tiny, tmp_path / "trained.pth", "portraits")


def test_a_model_is_kept_and_found_by_its_name(tiny, mine, cache):
    assert mine == cache / "own" / "tiny" / "portraits.pth"
    assert weights.fetch(tiny, "portraits") == mine
    assert list(user_models.all_own()) == [(tiny, "portraits")]


def test_the_pool_lends_it(tiny, mine, network):
    with Pool().lease("tiny", device="cpu", weights="portraits") as lent:
        assert torch.equal(lent.first.weight, network.first.weight)


def test_a_name_is_of_one_network(tiny, mine, register):
    other = register(name="other", file="other.pth")
    with pytest.raises(WeightsError, match=r"portraits is not a file.*name of one of your own"):
        weights.fetch(other, "portraits")


def test_a_newer_one_takes_the_place_of_the_older(tiny, mine, tmp_path):
    (tmp_path / "newer.pth").write_bytes(b"newer")
    assert user_models.keep(tiny, tmp_path / "newer.pth", "portraits").read_bytes() == b"newer"
    assert [path.name for path in mine.parent.iterdir()] == ["portraits.pth"]


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a b", "a.pth"])
def test_what_is_no_name_is_refused(tiny, mine, tmp_path, name):
    with pytest.raises(ParameterError, match="cannot be the name of a model"):
        user_models.keep(tiny, tmp_path / "trained.pth", name)
    assert user_models.find(tiny, name) is None
