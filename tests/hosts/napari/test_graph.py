"""The Matting graph dock, by mouse and keyboard in a real window."""

from __future__ import annotations

import gc
import json

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt, qInstallMessageHandler
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QApplication

from matting_nodes import make_trimap, sample_data, segment
from matting_nodes.graph import Graph, Link
from matting_nodes.graph.canvas.commands import example_files
from matting_nodes.graph.canvas.figures import frames
from matting_nodes.graph.canvas.ports import shown
from matting_nodes.hosts.cli import main
from matting_nodes.hosts.napari._trimap import is_trimap, labels_to_trimap
from matting_nodes.hosts.napari.graph._colors import OTHER, TYPE_COLORS, Colors
from matting_nodes.hosts.napari.graph._items import NodeItem
from matting_nodes.io.stacks import read_stack

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton
# The examples that need no network: the others cannot run here without their weights.
ALONE = ("comparison", "cutout", "mark_object", "microscopy", "portrait", "product", "video")
LOAD, SEGMENT, TRIMAP = "MattingNodesLoadPicture", "MattingNodesSegment", "MattingNodesMakeTrimap"


def files_in(folder):
    return {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def warnings_of_qt():
    """What Qt warns of, which no use of the dock may cause."""
    told = []

    def listen(_kind, _context, text):
        # napari's own icons are gone once another window of the process was closed.
        if "theme_" not in text:
            told.append(text)

    before = qInstallMessageHandler(listen)
    yield told
    qInstallMessageHandler(before)


@pytest.fixture
def graph(viewer, dock, qtbot):
    widget = dock("Matting graph")
    window = viewer.__wrapped__.window._qt_window
    window.resize(1400, 900)
    widget.canvas.setMinimumSize(700, 500)
    window.show()
    qtbot.waitUntil(widget.canvas.isVisible)
    return User(widget, viewer, qtbot)


@pytest.fixture
def lemur(viewer):
    """A small picture: a sixteenth of the lemur."""
    return viewer.add_image(sample_data.lemur()[::4, ::4], name="lemur", rgb=True)


class User:
    """Does with mouse and keys what a user does."""

    def __init__(self, widget, viewer, qtbot):
        self.widget, self.viewer, self.qtbot = widget, viewer, qtbot
        self.canvas, self.document = widget.canvas, widget.document

    def key(self, key, modifier=Qt.KeyboardModifier.NoModifier):
        self.canvas.setFocus()
        self.qtbot.keyClick(self.canvas, key, modifier)

    def find(self, text):
        """Type in the palette, and take the first that is found."""
        self.key(Qt.Key.Key_Tab)
        assert self.widget.finder.isVisible()
        self.qtbot.keyClicks(self.widget.finder.search, text)
        self.qtbot.keyClick(self.widget.finder.search, Qt.Key.Key_Return)
        assert not self.widget.finder.isVisible()
        (chosen,) = self.canvas.selection
        return chosen

    def point(self, node, name, output=False):
        about = shown(self.document.contents, node)
        names = [port.name for port in (about.outputs if output else about.inputs)]
        place = QPointF(*self.canvas.nodes[node].placed.port(names.index(name), output))
        return self.canvas.mapFromScene(place)

    def drag(self, start, end, modifier=Qt.KeyboardModifier.NoModifier):
        view = self.canvas.viewport()
        self.qtbot.mousePress(view, LEFT, modifier, start)
        for part in (0.4, 1.0):
            place = QPointF(start) * (1 - part) + QPointF(end) * part
            self.qtbot.mouseMove(view, place.toPoint())
            self._move(view, place, modifier)
        self.qtbot.mouseRelease(view, LEFT, modifier, end)

    def _move(self, view, place, modifier):
        # Qt's test tool moves without a button.
        from qtpy.QtCore import QEvent
        from qtpy.QtGui import QMouseEvent

        where = view.mapToGlobal(place.toPoint()).toPointF()
        event = QMouseEvent(QEvent.Type.MouseMove, place, where, LEFT, LEFT, modifier)
        QApplication.sendEvent(view, event)

    def wire(self, source, output, target, name):
        self.drag(self.point(source, output, output=True), self.point(target, name))

    def run(self):
        self.key(Qt.Key.Key_Return, CTRL)
        self.wait()

    def wait(self):
        self.qtbot.waitUntil(lambda: not self.widget.runs.running, timeout=120_000)

    def message(self, node):
        return self.canvas.nodes[node].told.message

    def pipeline(self):
        """Return a source, Segment and Make Trimap, wired."""
        source, found, made = (
            self.find("layer: lemur"),
            self.find("segment"),
            self.find("make trimap"),
        )
        self.key(Qt.Key.Key_L)
        return source, found, made

    def check_view(self):
        """Compare what is drawn with the document."""
        nodes, canvas = self.document.graph.nodes, self.canvas
        assert canvas.nodes.keys() == nodes.keys()
        for key, item in canvas.nodes.items():
            assert item.about == shown(self.document.contents, key)
            assert (item.pos().x(), item.pos().y()) == pytest.approx(self.document.places[key])
        wires = {(node.id, name) for node in nodes.values() for name in node.links}
        assert canvas.wires.keys() == wires
        for (key, name), wire in canvas.wires.items():
            link = nodes[key].links[name]
            names = [port.name for port in canvas.nodes[key].about.inputs]
            path = wire.path()
            ends = path.pointAtPercent(0), path.pointAtPercent(1)
            ports = (
                QPointF(*canvas.nodes[link.node].placed.port(link.slot, True)),
                QPointF(*canvas.nodes[key].placed.port(names.index(name), False)),
            )
            for end, port in zip(ends, ports, strict=True):
                assert (end - port).manhattanLength() < 0.1
        assert [item.frame for item in canvas.frames] == frames(self.document.contents)


def test_the_pipeline_is_built_run_and_changed_by_hand(graph, viewer, lemur, warnings_of_qt):
    source = graph.find("layer: lemur")
    graph.key(Qt.Key.Key_Escape)
    found = graph.find("segment")
    graph.key(Qt.Key.Key_Escape)
    made = graph.find("make trimap")
    graph.key(Qt.Key.Key_L)
    assert not graph.document.graph.nodes[found].links
    graph.wire(source, "image", found, "image")
    graph.wire(found, "mask", made, "mask")
    assert graph.document.graph.nodes[found].links == {"image": Link(source)}
    graph.check_view()
    graph.run()
    assert graph.widget.message.text() == ""

    # What nothing is made of becomes a layer, and every node has a picture.
    trimap = viewer.layers["lemur make trimap"]
    picture = np.asarray(lemur.data)
    expected = make_trimap(segment(picture))
    assert is_trimap(trimap)
    np.testing.assert_array_equal(labels_to_trimap(trimap.data), expected)
    assert all(item.thumbnail is not None for item in graph.canvas.nodes.values())

    # The thumbnail of the source is the picture.
    drawn = graph.canvas.nodes[source].thumbnail.toImage().pixelColor(50, 30).getRgb()[:3]
    assert np.abs(np.subtract(drawn, 255 * picture[30, 50])).max() <= 1

    # A click on a thumbnail shows what is between.
    item = graph.canvas.nodes[found]
    middle = graph.canvas.mapFromScene(item.pos() + item.picture.center())
    graph.qtbot.mouseClick(graph.canvas.viewport(), LEFT, pos=middle)
    np.testing.assert_array_equal(viewer.layers["lemur mask"].data, segment(picture) > 0.5)

    # A parameter is changed in the form, and only what depends on it runs again.
    graph.canvas.select([made])
    before = graph.canvas.nodes[found].told.thumbnail
    graph.widget.form.fields["method.inner"].value = 3.0
    graph.widget.form.fields["method.outer"].value = 3.0
    graph.run()
    narrow = make_trimap(segment(picture), inner=3.0, outer=3.0)
    np.testing.assert_array_equal(labels_to_trimap(trimap.data), narrow)
    assert graph.canvas.nodes[found].told.thumbnail is before
    assert warnings_of_qt == []


def test_wires_are_taken_off_dropped_and_refused(graph, lemur):
    source, found, made = graph.pipeline()
    other = graph.find("layer: lemur")
    graph.key(Qt.Key.Key_L)
    # An image where a mask is asked for: a message on the node.
    before = graph.document.graph
    graph.wire(source, "image", made, "mask")
    assert graph.document.graph == before
    assert "MASK" in graph.message(made)
    # A circle.
    graph.wire(made, "trimap", found, "mask")
    assert graph.document.graph == before
    assert graph.message(found)
    # Another picture in its place; then the wire is drawn off, into the void.
    graph.wire(other, "image", found, "image")
    assert graph.document.graph.nodes[found].links["image"] == Link(other)
    graph.drag(graph.point(found, "image"), graph.point(found, "image") + QPoint(-30, 200))
    assert "image" not in graph.document.graph.nodes[found].links
    graph.key(Qt.Key.Key_Z, CTRL)
    assert graph.document.graph.nodes[found].links["image"] == Link(other)
    graph.check_view()


def test_a_wire_that_is_dropped_offers_what_fits(graph, lemur):
    source = graph.find("layer: lemur")
    start = graph.point(source, "image", output=True)
    graph.drag(start, start + QPoint(120, 60))
    finder = graph.widget.finder
    assert finder.isVisible()
    titles = [finder.list.item(row).text() for row in range(finder.list.count())]
    assert "Segment" in titles
    assert "Make Trimap" in titles
    assert "Grow Mask" not in titles
    graph.qtbot.keyClicks(finder.search, "invert image")
    graph.qtbot.keyClick(finder.search, Qt.Key.Key_Return)
    (new,) = graph.canvas.selection
    assert graph.document.graph.nodes[new].links == {"image": Link(source)}


def test_a_failing_node_says_why_and_others_run(graph, viewer, lemur):
    source, found, made = graph.pipeline()
    lonely = graph.find("layer: lemur")
    graph.key(Qt.Key.Key_Escape)
    bad = graph.find("alpha matte")
    graph.run()
    assert "is not wired" in graph.message(bad)
    assert graph.canvas.nodes[bad].told.failed
    assert graph.canvas.nodes[made].thumbnail is not None
    assert not graph.canvas.nodes[lonely].told.failed
    # The layer of the source is gone.
    viewer.layers.remove("lemur")
    graph.run()
    assert "There is no layer lemur" in graph.message(source)
    assert "It waits for" in graph.message(made)
    assert graph.message(found)


def test_a_strangers_node_is_kept_and_says_that_it_cannot_run(graph, tmp_path):
    nodes = {
        "1": {"class_type": LOAD, "inputs": {"image": "lemur.png [sample]"}},
        "2": {"class_type": "KSampler", "inputs": {"latent": ["1", 0], "steps": 20}},
        "3": {"class_type": "ImageInvert", "inputs": {"image": ["2", 1]}},
    }
    path = tmp_path / "größer 図.json"
    path.write_text(json.dumps(nodes), encoding="utf-8")
    graph.widget.open(path)
    graph.run()
    assert "KSampler" in graph.message("2")
    assert [port.name for port in graph.canvas.nodes["2"].about.inputs] == ["latent"]
    assert len(graph.canvas.nodes["2"].about.outputs) == 2
    graph.check_view()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"1": ', "JSON"),
        ("[]", "holds no nodes"),
        ('{"1": {"class_type": 3}}', "class_type"),
        ("\0", "JSON"),
        ('{"version": 2, "nodes": [], "links": []}', "Install a newer matting-nodes"),
    ],
)
def test_what_cannot_be_opened_leaves_the_graph_in_hand(graph, lemur, tmp_path, content, said):
    graph.pipeline()
    before = graph.document.contents
    path = tmp_path / "broken.json"
    path.write_text(content)
    graph.widget.open(path)
    assert said in graph.widget.message.text()
    assert graph.document.contents == before
    graph.widget.open(tmp_path / "missing.json")
    assert "missing.json" in graph.widget.message.text()
    assert graph.document.contents == before


@pytest.mark.parametrize("path", example_files(), ids=lambda path: path.stem)
def test_examples_open_and_are_saved_equal(graph, tmp_path, path):
    graph.widget.open(path)
    graph.check_view()
    given = Graph.read(path).nodes
    assert graph.document.graph.nodes == given
    graph.widget.session.save(tmp_path / "api.json", "api")
    assert json.loads((tmp_path / "api.json").read_text()) == json.loads(path.read_text())
    places = dict(graph.document.places)
    graph.widget.session.save(tmp_path / "ui.json", "ui")
    graph.widget.open(tmp_path / "ui.json")
    assert graph.widget.message.text() == ""
    assert graph.document.places == places
    # The page's format holds every parameter, also those that had their defaults.
    for key, node in graph.document.graph.nodes.items():
        assert node.class_type == given[key].class_type
        assert given[key].inputs.items() <= node.inputs.items()


@pytest.mark.slow
@pytest.mark.parametrize("name", ALONE)
def test_examples_give_the_pixels_that_run_gives(graph, example, tmp_path, monkeypatch, name):
    """Nodes that save write into a folder, as the command does."""
    (tmp_path / "flow.json").write_text(json.dumps(example(name).to_json()), "utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["run", "flow.json", "--output", "by_run"]) == 0
    graph.widget.open(tmp_path / "flow.json")
    graph.widget.run(tmp_path / "by_dock")
    graph.wait()
    assert graph.widget.message.text() == ""
    theirs = files_in(tmp_path / "by_run")
    ours = files_in(tmp_path / "by_dock")
    assert ours.keys() == theirs.keys()
    assert ours
    for key, path in theirs.items():
        for a, b in zip(read_stack(path), read_stack(ours[key]), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


def test_notes_of_comfyui_are_drawn_and_kept(graph, tmp_path):
    note = {
        "id": 7,
        "type": "MarkdownNote",
        "pos": [-300, 40],
        "size": [220, 120],
        "title": "Read me",
        "widgets_values": ["# Größe\nThe picture is **small**."],
    }
    plain = {**note, "id": 8, "type": "Note", "pos": [-300, 200], "title": "Plain"}
    page = {"version": 0.4, "nodes": [note, plain], "links": [], "groups": []}
    page["groups"] = [{"title": "Later", "bounding": [0, 0, 300, 200]}]
    path = tmp_path / "page.json"
    path.write_text(json.dumps(page), "utf-8")
    graph.widget.open(path)
    assert graph.widget.message.text() == ""
    later, drawn, other = graph.canvas.frames
    assert (drawn.frame.title, drawn.frame.text) == ("Read me", note["widgets_values"][0])
    assert drawn.boundingRect().contains(QPointF(-200, 100))
    (text,), (unread,) = drawn.childItems(), other.childItems()
    assert text.toPlainText() == "Größe\nThe picture is small."
    assert "font-weight" in text.toHtml()
    assert unread.toPlainText() == note["widgets_values"][0]
    assert (later.frame.title, later.frame.box) == ("Later", (0, 0, 300, 200))
    graph.widget.session.save(tmp_path / "again.json", "ui")
    again, _ = json.loads((tmp_path / "again.json").read_text("utf-8"))["nodes"]
    assert again.items() >= note.items()
    # What is laid out stays off the notes.
    for _ in range(3):
        graph.find("segment")
    graph.key(Qt.Key.Key_L)
    nodes = [item.mapRectToScene(item.rect) for item in graph.canvas.nodes.values()]
    areas = nodes + [item.boundingRect() for item in graph.canvas.frames]
    assert not [1 for n, a in enumerate(nodes) for b in areas[n + 1 :] if a.intersects(b)]


def test_names_in_any_script_are_shown_run_and_saved(graph, viewer, tmp_path):
    name = "图层 مثال"
    viewer.add_image(sample_data.lemur()[::8, ::8], name=name, rgb=True)
    graph.find("layer:")  # the test tool types no other script
    found = graph.find("segment")
    graph.widget.form.fields["title"].value = "抠图 قناع"
    assert graph.canvas.nodes[found].about.title == "抠图 قناع"
    graph.run()
    assert f"{name} 抠图 قناع" in viewer.layers
    graph.widget.session.save(tmp_path / "圖.json", "ui")
    before = graph.document.graph
    graph.widget.open(tmp_path / "圖.json")
    assert graph.document.graph == before
    assert "抠图 قناع" in (tmp_path / "圖.json").read_text("utf-8")


def test_thousands_of_nodes_are_opened_edited_and_left(graph, tmp_path):
    nodes = {"0": {"class_type": "SolidMask", "inputs": {}}} | {
        str(n): {"class_type": "InvertMask", "inputs": {"mask": [str(max(0, n - 7)), 0]}}
        for n in range(1, 3000)
    }
    (tmp_path / "many.json").write_text(json.dumps(nodes))
    graph.widget.open(tmp_path / "many.json")
    assert graph.widget.message.text() == ""
    assert len(graph.canvas.nodes) == 3000
    graph.canvas.select(["1500"])
    graph.key(Qt.Key.Key_Delete)
    assert len(graph.canvas.nodes) == 2999
    graph.check_view()
    graph.key(Qt.Key.Key_Z, CTRL)
    graph.key(Qt.Key.Key_Z, CTRL)  # the places that opening gave
    graph.key(Qt.Key.Key_Z, CTRL)
    assert not graph.canvas.nodes


def test_paint_flows_through(graph, viewer, lemur):
    mask = np.zeros(lemur.data.shape[:2], np.uint8)
    mask[30:80, 50:110] = 1
    viewer.add_labels(mask, name="object")
    graph.find("layer: object")
    made = graph.find("make trimap")
    graph.widget.auto.setChecked(True)
    graph.qtbot.waitUntil(lambda: "object make trimap" in viewer.layers)
    graph.wait()
    layer = viewer.layers["object"]
    layer.brush_size = 9
    layer.paint((100, 20), 1)

    def followed():
        wanted = make_trimap(layer.data > 0)
        shown_now = labels_to_trimap(viewer.layers["object make trimap"].data)
        return np.array_equal(shown_now, wanted)

    graph.qtbot.waitUntil(followed)
    assert graph.message(made) == ""
    graph.widget.auto.setChecked(False)
    graph.wait()


def test_keys_copy_paste_group_move_and_select(graph, lemur):
    source, found, made = graph.pipeline()
    graph.key(Qt.Key.Key_A, CTRL)
    assert graph.canvas.selection == [source, found, made]
    graph.key(Qt.Key.Key_C, CTRL)
    graph.key(Qt.Key.Key_V, CTRL)
    new = graph.canvas.selection
    assert len(new) == 3
    assert len(graph.document.graph.nodes) == 6
    assert graph.document.graph.nodes[new[1]].links["image"].node in new
    before = graph.document.places[new[0]]
    graph.key(Qt.Key.Key_Right)
    assert graph.document.places[new[0]][0] > before[0]
    graph.widget.ask_title = lambda: "Copies"
    graph.key(Qt.Key.Key_G, CTRL)
    assert [group.title for group in graph.document.groups] == ["Copies"]
    graph.check_view()
    # The frame is grasped by its title, and takes its nodes along.
    graph.key(Qt.Key.Key_F)
    (frame,) = graph.canvas.frames
    keys = frame.frame.nodes
    before = {key: graph.document.places[key] for key in keys}
    start = graph.canvas.mapFromScene(frame.title_bar.center())
    graph.drag(start, start + QPoint(40, 30))
    moved = [np.subtract(graph.document.places[key], before[key]) for key in keys]
    assert np.allclose(moved, moved[0])
    assert moved[0][0] > 20
    graph.key(Qt.Key.Key_Delete)
    assert len(graph.document.graph.nodes) == 3
    graph.key(Qt.Key.Key_Escape)
    graph.key(Qt.Key.Key_PageDown)
    assert graph.canvas.selection == [source]
    while graph.document.can_undo:
        graph.key(Qt.Key.Key_Z, CTRL)
    assert not graph.document.graph.nodes
    graph.check_view()
    while graph.document.can_redo:
        graph.key(Qt.Key.Key_Z, CTRL | SHIFT)
    assert len(graph.document.graph.nodes) == 3
    graph.check_view()


def test_a_node_is_wired_by_keys_alone(graph, lemur):
    source = graph.find("layer: lemur")
    graph.key(Qt.Key.Key_Escape)
    found = graph.find("segment")
    field = graph.widget.form.fields["← image"]
    field.value = (source, 0)
    assert graph.document.graph.nodes[found].links == {"image": Link(source)}
    field.value = ""
    assert graph.document.graph.nodes[found].links == {}


def test_layers_become_a_graph_that_gives_them_again(graph, viewer, dock, finish, lemur):
    assert finish(dock("Segment")) == ""
    make = dock("Make Trimap")
    make.fields["band", "inner"].value = 4
    assert finish(make) == ""
    trimap = labels_to_trimap(viewer.layers["lemur trimap"].data)
    graph.widget._show_layers()
    types = [node.class_type for node in graph.document.graph.nodes.values()]
    assert sorted(types) == sorted([LOAD, SEGMENT, TRIMAP])
    graph.run()
    again = viewer.layers["lemur make trimap"]
    np.testing.assert_array_equal(labels_to_trimap(again.data), trimap)
    # What the graph made tells of it, too.
    before = graph.document.graph
    graph.key(Qt.Key.Key_A, CTRL)
    graph.key(Qt.Key.Key_Delete)
    viewer.layers.remove("lemur trimap")
    viewer.layers.remove("lemur mask")
    graph.widget._show_layers()
    assert len(graph.document.graph.nodes) == len(before.nodes)


def test_a_run_is_cancelled(graph, lemur):
    graph.find("layer: lemur")
    graph.find("segment")
    made = graph.find("make trimap")
    graph.widget.run()
    graph.widget.run_or_cancel()
    graph.wait()
    graph.run()
    assert graph.canvas.nodes[made].thumbnail is not None


def test_random_edits_are_drawn_as_they_are_undone(graph, lemur, warnings_of_qt):
    random = np.random.default_rng(3)
    canvas, document = graph.canvas, graph.document
    names = ["layer: lemur", "segment", "make trimap", "alpha matte", "composite", "grow mask"]
    graph.find(names[0])

    def some():
        keys = list(document.graph.nodes)
        return [keys[n] for n in random.integers(0, len(keys), 2)] if keys else []

    def select():
        canvas.select(some())

    def wire():
        if keys := some():
            source, target = (shown(document.contents, key) for key in keys)
            if source.outputs and target.inputs:
                name = target.inputs[random.integers(len(target.inputs))].name
                graph.widget.change(document.connect, Link(keys[0], 0), keys[1], name)

    def drag():
        if keys := some():
            start = canvas.mapFromScene(canvas.nodes[keys[0]].pos() + QPointF(60, 12))
            graph.drag(start, start + QPoint(*random.integers(-60, 60, 2).tolist()))

    acts = [
        lambda: graph.find(names[random.integers(len(names))]),
        wire,
        wire,
        select,
        drag,
        lambda: graph.key(Qt.Key.Key_Z, CTRL),
        lambda: graph.key(Qt.Key.Key_Z, CTRL),
        lambda: graph.key(Qt.Key.Key_Z, CTRL | SHIFT),
        lambda: graph.key(Qt.Key.Key_Delete),
        lambda: (graph.key(Qt.Key.Key_C, CTRL), graph.key(Qt.Key.Key_V, CTRL)),
        lambda: graph.key(Qt.Key.Key_L),
        lambda: graph.key(Qt.Key.Key_Up),
    ]
    for number in range(1000):
        acts[random.integers(len(acts))]()
        if len(document.graph.nodes) > 24:  # or copies of copies fill the graph
            canvas.select(list(document.graph.nodes)[8:])
            graph.key(Qt.Key.Key_Delete)
        if number % 10 == 0:
            graph.check_view()
    final = document.contents
    steps = 0
    while document.can_undo:
        document.undo()
        steps += 1
    assert not document.graph.nodes
    for _ in range(steps):
        document.redo()
    assert document.contents == final
    graph.check_view()
    # Nothing that was drawn is left behind: an item each, and what belongs to it.
    drawn = len(canvas.nodes) + len(canvas.wires) + len(canvas.frames)
    assert len(canvas.scene().items()) == drawn
    del acts
    gc.collect()
    alive = [item for item in gc.get_objects() if isinstance(item, NodeItem)]
    assert len(alive) == len(canvas.nodes)
    assert warnings_of_qt == []


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_texts_stand_out_in_both_themes(theme):
    colors = Colors.of(theme)
    for ink, ground in [
        (colors.text, colors.foreground),
        (colors.text, colors.primary),
        (colors.error, colors.foreground),
        (colors.background, colors.error),
    ]:
        assert contrast(ink, ground) > 4
    for wire in (*TYPE_COLORS.values(), OTHER):
        assert contrast(wire, colors.background) > 1.5


def contrast(one, other):
    """Return the contrast of two colors: 1 to 21, as in WCAG 2."""
    rgb = np.array([QColor(name).getRgbF()[:3] for name in (one, other)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    low, high = sorted(linear @ (0.2126, 0.7152, 0.0722) + 0.05)
    return high / low


def test_the_theme_is_followed_and_a_closed_dock_leaves_nothing(graph, viewer, lemur):
    graph.pipeline()
    viewer.__wrapped__.theme = "light"
    assert graph.canvas.colors.background == "#ebe7e6"
    assert {item.colors for item in graph.canvas.nodes.values()} == {graph.canvas.colors}
    viewer.window.remove_dock_widget("all")
    gc.collect()
    viewer.add_labels(np.zeros((4, 4), int), name="later")
