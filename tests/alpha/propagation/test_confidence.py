from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import MattingSession, alpha_matte, sample_data
from matting_nodes.alpha.propagation.confidence import confidence, least_certain_places
from matting_nodes.arrays import unknown
from matting_nodes.errors import MattingError
from matting_nodes.job import Cancelled, Job


@pytest.fixture(scope="module")
def solved(lemur, lemur_trimap):
    return alpha_matte(lemur, lemur_trimap)


def test_it_is_low_where_the_matte_is_wrong(lemur, lemur_trimap, solved):
    sure = confidence(lemur, lemur_trimap, solved)
    free = unknown(lemur_trimap)
    assert (sure[~free] == 1).all()
    assert sure.min() >= 0
    error = abs(solved - sample_data.lemur_alpha())[free]
    worst = sure[free] <= np.quantile(sure[free], 0.1)
    # The least certain tenth has more than its share of the error.
    assert error[worst].mean() > 2 * error.mean()


def test_a_session_knows_it_without_sampling_again(lemur, lemur_trimap, solved):
    session = MattingSession.begin(lemur, lemur_trimap)
    expected = confidence(lemur, lemur_trimap, session.alpha)
    np.testing.assert_allclose(session.confidence(), expected, atol=1e-6)


def test_places_are_regions_apart_the_worst_first():
    sure = np.ones((300, 400), np.float32)
    sure[200, 200] = 0  # a single pixel is no region
    sure[40:60, 300:330] = 0.5
    sure[250:262, 20:32] = 0.1
    places = least_certain_places(sure, 12)
    assert len(places) == 2
    assert abs(np.subtract(places, [(50, 315), (256, 26)])).max() <= 3
    assert least_certain_places(np.ones((30, 40), np.float32), 5) == []


def test_bad_input_and_cancel(lemur, lemur_trimap, solved):
    with pytest.raises(MattingError, match="alpha"):
        confidence(lemur, lemur_trimap, solved[:-1])
    with pytest.raises(MattingError, match="no definite"):
        confidence(lemur, np.full_like(lemur_trimap, 128), solved)
    with pytest.raises(Cancelled):
        confidence(lemur, lemur_trimap, solved, Job(cancelled=lambda: True))
