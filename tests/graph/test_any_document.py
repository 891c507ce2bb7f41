"""Property-based: whatever a file in UI format holds, it opens and saves, or a message says why."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matting_nodes.errors import MattingError
from matting_nodes.graph.contents import Contents
from matting_nodes.graph.files import api_of, from_json
from matting_nodes.graph.page_writing import page_of

PAGES = [
    json.loads(path.read_text("utf-8"))
    for folder in ("examples", "subgraphs")
    for path in sorted((Path(__file__).parent.parent.parent / folder).glob("*.json"))
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 40)
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "*", "IMAGE", "Reroute", "LoadImage", "band", "x" * 90, "\ud800", "ñ"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def places_in(value, path=()):
    """Return the way to every value within another."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else ()
    for key, inner in enumerate(value) if isinstance(value, list) else items:
        found += places_in(inner, (*path, key))
    return found


WAYS = [places_in(page) for page in PAGES]


@st.composite
def damaged(draw):
    """Return a page in which some values are others, or gone."""
    at = draw(st.integers(0, len(PAGES) - 1))
    page = json.loads(json.dumps(PAGES[at]))
    for way in draw(st.lists(st.sampled_from(WAYS[at]), min_size=1, max_size=3)):
        inner = page
        try:
            for key in way[:-1]:
                inner = inner[key]
            inner[way[-1]]
        except (KeyError, IndexError, TypeError):
            continue
        if draw(st.booleans()) or isinstance(inner, str):
            if not isinstance(inner, str):
                inner[way[-1]] = draw(VALUES)
        else:
            del inner[way[-1]]
    return page


@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(damaged())
def test_damaged_pages_open_and_save_or_are_refused(page):
    try:
        contents = from_json(page)
    except MattingError as error:
        assert error.rule
        assert error.fix
        return
    assert isinstance(contents, Contents)
    again = from_json(json.loads(json.dumps(page_of(contents))))
    assert [n.class_type for n in again.graph.nodes.values()] == [
        n.class_type for n in contents.graph.nodes.values()
    ]
    try:
        api_of(contents)
    except MattingError as error:
        assert "without names" in str(error)
