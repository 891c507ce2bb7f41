"""The layers that widgets propose: the newest results, all of one picture."""

from __future__ import annotations

import numpy as np
import pytest

from matting_nodes.hosts import napari as host
from matting_nodes.hosts.napari._trimap import alpha_options, trimap_options, trimap_to_labels

PIPELINE = ("Segment", "Make Trimap", "Alpha Matte", "Estimate Foreground", "Composite", "Compare")


def chosen(widget):
    """Return the names of the layers that are chosen, by input."""
    return {
        name: choice.value.name
        for name, choice in widget.layer_choices.items()
        if choice.value is not None
    }


@pytest.fixture
def make(viewer, dock, finish, fur):
    """Adds a picture and makes its trimap layer and, with the quickest method, its alpha."""

    def add(name, size=100):
        viewer.add_image(fur[0][:size], name=name, rgb=True)
        labels = trimap_to_labels(fur[1][:size])
        viewer.add_labels(labels, name=f"{name} trimap", **trimap_options(base=name))
        matte = dock("Alpha Matte")
        matte.method.value = "guided_filter"
        assert chosen(matte) == {"image": name, "trimap": f"{name} trimap"}
        finish(matte)
        return viewer.layers[f"{name} alpha"]

    return add


def test_the_sample_is_ready_for_every_widget_it_has_layers_for(viewer, dock):
    viewer.open_sample("matting-nodes", "lemur")
    assert {title: chosen(dock(title)) for title in PIPELINE} == {
        "Segment": {"image": "lemur"},
        "Make Trimap": {},
        "Alpha Matte": {"image": "lemur", "trimap": "lemur trimap"},
        "Estimate Foreground": {"image": "lemur", "alpha": "lemur reference alpha"},
        "Composite": {"image": "lemur", "alpha": "lemur reference alpha"},
        "Compare": {"alpha": "lemur reference alpha", "trimap": "lemur trimap"},
    }


def test_after_the_pipeline_every_widget_has_its_results(viewer, dock, finish):
    viewer.open_sample("matting-nodes", "lemur")
    matte = dock("Alpha Matte")
    matte.method.value = "guided_filter"
    finish(matte)
    finish(dock("Estimate Foreground"))
    assert {title: chosen(dock(title)) for title in PIPELINE[2:]} == {
        "Alpha Matte": {"image": "lemur", "trimap": "lemur trimap"},
        "Estimate Foreground": {"image": "lemur", "alpha": "lemur alpha"},
        "Composite": {"image": "lemur", "alpha": "lemur alpha", "foreground": "lemur foreground"},
        "Compare": {
            "alpha": "lemur alpha",
            "reference": "lemur reference alpha",
            "trimap": "lemur trimap",
        },
    }


def test_a_mask_that_segment_made_is_chosen(viewer, dock, finish):
    viewer.open_sample("matting-nodes", "cell")
    segment = dock("Segment")
    segment.method.value = "threshold"
    finish(segment)
    assert chosen(dock("Make Trimap")) == {"mask": "cell mask"}


def test_what_the_method_needs_is_chosen_and_let_go_again(viewer, dock, fur):
    viewer.add_image(fur[0], name="fur", rgb=True)
    viewer.add_labels((fur[1] > 200).astype(int), name="cells")
    trimap = dock("Make Trimap")
    assert chosen(trimap) == {"mask": "cells"}
    trimap.method.value = "tnet"
    assert chosen(trimap) == {"image": "fur"}
    trimap.method.value = "per_label"
    assert chosen(trimap) == {"labels": "cells"}
    trimap.method.value = "band"
    assert chosen(trimap) == {"mask": "cells"}


def test_a_trimap_that_the_method_can_use_is_chosen(make, dock):
    make("fur")
    colors = dock("Estimate Foreground")
    assert "trimap" not in chosen(colors)
    colors.method.value = "fba"
    assert chosen(colors)["trimap"] == "fur trimap"


def test_of_two_pictures_the_newest_result_tells_which(make, dock):
    make("first")
    make("second")
    over = dock("Composite")
    assert chosen(over) == {"image": "second", "alpha": "second alpha"}


def test_a_foreground_of_another_picture_is_not_taken(make, dock, finish):
    make("first")
    finish(dock("Estimate Foreground"))
    make("second")
    assert "foreground" not in chosen(dock("Composite"))


def test_the_others_follow_the_picture_that_the_user_chooses(viewer, make, dock, finish):
    make("first")
    finish(dock("Estimate Foreground"))
    make("second")
    over = dock("Composite")
    over.layer_choices["image"].value = viewer.layers["first"]
    assert chosen(over) == {
        "image": "first",
        "alpha": "first alpha",
        "foreground": "first foreground",
    }


def test_nothing_of_another_size_is_taken(viewer, make, dock):
    make("large")
    viewer.add_image(np.zeros((30, 40, 3), np.float32), name="small", rgb=True)
    matte = dock("Alpha Matte")
    matte.layer_choices["image"].value = viewer.layers["small"]
    assert chosen(matte) == {"image": "small"}
    viewer.add_image(np.zeros((30, 40)), name="truth", **alpha_options())
    assert "reference" not in chosen(dock("Compare"))


def test_what_the_user_chose_stays_even_if_it_is_nothing(viewer, make, dock, finish):
    make("fur")
    finish(dock("Estimate Foreground"))
    over = dock("Composite")
    over.layer_choices["foreground"].value = None
    viewer.add_points(np.zeros((1, 2)))
    assert chosen(over) == {"image": "fur", "alpha": "fur alpha"}


def test_what_was_chosen_and_is_removed_makes_way(viewer, make, dock):
    make("first")
    make("second")
    matte = dock("Alpha Matte")
    matte.layer_choices["trimap"].value = viewer.layers["first trimap"]
    assert chosen(matte) == {"image": "first", "trimap": "first trimap"}
    viewer.layers.remove("first trimap")
    assert chosen(matte) == {"image": "second", "trimap": "second trimap"}


def test_segment_begins_with_the_picture_in_hand_and_stays_with_it(viewer, dock, fur):
    for name in ("first", "second", "third"):
        viewer.add_image(fur[0], name=name, rgb=True)
    viewer.layers.selection.active = viewer.layers["second"]
    segment = dock("Segment")
    assert chosen(segment) == {"image": "second"}
    viewer.add_image(fur[0], name="fourth", rgb=True)
    assert chosen(segment) == {"image": "second"}


def test_a_trimap_begun_by_hand_is_the_one_of_its_picture(viewer, dock, fur):
    for name in ("first", "second"):
        viewer.add_image(fur[0], name=name, rgb=True)
    host.new_trimap(viewer)
    assert chosen(dock("Alpha Matte")) == {"image": "second", "trimap": "second trimap"}
