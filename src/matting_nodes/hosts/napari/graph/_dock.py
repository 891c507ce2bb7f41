"""The Matting graph dock: the canvas, the palette, the selected node, and the run."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPointF, Qt, QTimer
from qtpy.QtWidgets import (
    QApplication,
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QMenu,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from ....graph.canvas.commands import MENU, Commands, example_files
from ....graph.canvas.palette import Entry
from ....graph.canvas.wiring import End, add, drop
from .._protocols import without_proxy
from .._scroll import scrolled, wrapped
from .._widget import to_ui_thread
from ._canvas import Canvas
from ._colors import Colors
from ._form import Form
from ._palette import Palette
from ._runs import Told
from ._session import Session

if TYPE_CHECKING:
    import napari

FILES = "Workflows (*.json *.png)"
DELAY = 30
"""Milliseconds that changes are waited for which come in quick succession."""


class MattingGraph(QWidget):
    """Wires the pipeline: nodes on a canvas, the same workflow as ComfyUI's and `run`'s.

    Parameters
    ----------
    napari_viewer : Viewer
        Its layers are the graph's sources, and become its results.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.session = Session(
            napari_viewer, self._ask_soon, self._layers_changed, self._follow_theme
        )
        self.document, self.runs = self.session.document, self.session.runs
        keys: dict[str, Any] = {
            **Commands(self.document, self).by_key,
            "Ctrl+Return": self.run_or_cancel,
            "Ctrl+Shift+Return": self._run_into_folder,
            "Ctrl+L": self._show_layers,
            "Ctrl+O": self._open,
            "Ctrl+S": partial(self._save, "api"),
            "Ctrl+Shift+S": partial(self._save, "ui"),
            "Ctrl+E": partial(self._save, "python"),
            "Tab": self.search,
            "Return": lambda: self.form.focus(),
        }
        self.canvas = Canvas(Colors.of(without_proxy(napari_viewer).theme), keys)
        self.finder = Palette(self.canvas)
        self.form: Form = Form(self.document, self.change, self.session.layer_names)
        self.message = QLabel()
        self.run_button, self.menu_button = QPushButton("Run"), QPushButton("Graph")
        self.add_button, self.auto = QPushButton("Add node"), QCheckBox("auto")
        self._soon = QTimer(self)
        # Files are dropped on the dock: the canvas would take them and do nothing.
        self.setAcceptDrops(True)
        for part in filter(None, (self.canvas, self.canvas.viewport())):
            part.setAcceptDrops(False)
        self._lay_out()
        self._fill_menu(keys)
        self._connect()
        self._refresh()

    def _lay_out(self) -> None:
        wrapped(self.message)
        self.message.setMinimumWidth(1)
        self.auto.setToolTip("Run again whenever the graph or a layer changes: paint, and see.")
        self.run_button.setToolTip("Run what has changed.\nCtrl+Return")
        self.add_button.setToolTip("Tab, or type its name")
        bar, rows = QHBoxLayout(), QVBoxLayout(self)
        for widget in (self.menu_button, self.add_button, self.run_button, self.auto):
            bar.addWidget(widget)
        bar.addStretch()
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.canvas)
        splitter.addWidget(scrolled(self.form.native))
        splitter.setSizes([500, 220])
        splitter.setStretchFactor(0, 1)
        rows.setContentsMargins(4, 4, 4, 4)
        rows.addLayout(bar)
        rows.addWidget(splitter, 1)
        rows.addWidget(self.message)

    def _fill_menu(self, keys: Mapping[str, Any]) -> None:
        menu, examples = QMenu(self), QMenu("Examples", self)
        for path in example_files():
            examples.addAction(path.stem.replace("_", " "), partial(self.open, path))
        menu.addMenu(examples)
        for part in MENU:
            for title, key in part.items():
                menu.addAction(f"{title}\t{key}", keys[key])
            menu.addSeparator()
        self.menu_button.setMenu(menu)

    def _connect(self) -> None:
        document, canvas, change = self.document, self.canvas, self.change
        self._soon.setSingleShot(True)
        self._soon.setInterval(DELAY)
        self._soon.timeout.connect(self._run_if_changed)
        document.on_change.append(self._refresh)
        canvas.wired.connect(lambda *ends: change(drop, document, *ends))
        canvas.moved.connect(lambda places: change(self.session.move, places))
        canvas.selected.connect(self._show_selected)
        canvas.opened.connect(self.runs.show_layer)
        canvas.searched.connect(self.search)
        self.run_button.clicked.connect(self.run_or_cancel)
        self.add_button.clicked.connect(lambda: self.search())
        self.auto.toggled.connect(self._ask_soon)
        self._tell = to_ui_thread(self, self._show_told, object)
        session = self.session
        self.destroyed.connect(lambda *_: session.stop())

    # what is shown

    def change(self, act: Any, *arguments: Any) -> Any:
        """Change the document; a refusal is said below, and on the node that is meant."""
        result, refused = self.session.attempt(act, *arguments)
        self.message.setText(refused.message)
        if refused.node:
            self.canvas.nodes[refused.node].show_told(refused)
        return result

    def _refresh(self) -> None:
        """Draw the document as it is now."""
        self.canvas.show_contents(self.document.contents)
        for key, item in self.canvas.nodes.items():
            item.show_told(self.session.states.of(key))
        self._show_selected()
        self._ask_soon()

    def _show_selected(self) -> None:
        chosen = self.canvas.selection
        self.form.show_node(chosen[0] if len(chosen) == 1 else None)

    def _layers_changed(self, _event: object = None) -> None:
        with suppress(RuntimeError):  # the window may be closing
            self._show_selected()
            self._ask_soon()

    def _follow_theme(self, _event: object = None) -> None:
        self.canvas.show_colors(Colors.of(without_proxy(self.viewer).theme))

    def _show_told(self, told: Told) -> None:
        """Show what a run says of a node; of no node, it is the run itself."""
        if not told.node:
            self.message.setText(told.message)
        elif told.node in self.canvas.nodes:
            self.canvas.nodes[told.node].show_told(self.session.states.hear(told))

    # what the user does

    def search(self, place: QPointF | None = None, wire: End | None = None, text: str = "") -> None:
        """Open the palette, for a node at a place, at the end of a wire."""
        at = self.canvas.middle if place is None else (place.x(), place.y())
        self.finder.ask(self.session.entries(wire), text, lambda entry: self.add(entry, at, wire))

    def add(self, entry: Entry, place: tuple[float, float], wire: End | None = None) -> None:
        """Add a node, wired to the end of a wire, or to the node that is selected."""
        key = self.change(add, self.document, entry, place, wire, self.canvas.selection)
        if key:
            self.canvas.select([key])

    def clipboard(self, text: str | None = None) -> str:
        """Return the clipboard's text, after putting one there if it is given."""
        board = QApplication.clipboard()
        if board is not None and text is not None:
            board.setText(text)
        return board.text() if board is not None else ""

    def ask_title(self) -> str:
        """Return the title of a new group; empty if it was cancelled."""
        title, agreed = QInputDialog.getText(self, "Group", "Title")
        return title if agreed else ""

    def open(self, path: Path | str) -> None:
        """Open a workflow, and show all of it."""
        self.message.setText(f"Opening {Path(path).name}…")
        self.message.repaint()
        self.change(self.document.open, Path(path))
        self._arrange()

    def _show_layers(self) -> None:
        self.change(self.session.show_layers)
        self._arrange()

    def _arrange(self) -> None:
        """Give nodes places that their file does not."""
        if not self.message.text() and not self.document.contents.page:
            self.document.lay_out(self.canvas.sizes)
        self.canvas.fit()

    def _open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open", "", FILES)
        if path:
            self.open(path)

    def dragEnterEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Take workflows that are dropped."""
        if _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Open a dropped workflow, its pictures as layers, and run it."""
        from .._workflows import open_in

        event.acceptProposedAction()
        self.change(open_in, self, _dropped(event)[0])

    def _save(self, form: str) -> None:
        ending = "py" if form == "python" else "json"
        path, _ = QFileDialog.getSaveFileName(self, "Save", f"workflow.{ending}", f"*.{ending}")
        if path:
            self.change(self.session.save, Path(path), form)

    # running

    def run_or_cancel(self) -> None:
        """Run what has changed; a run that is under way is cancelled."""
        if self.runs.cancel():
            self.run_button.setText("Cancelling…")
        else:
            self.run()

    def _run_into_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Where files are saved")
        if folder:
            self.run(Path(folder))

    def run(self, folder: Path | None = None) -> None:
        """Run in a thread of its own; with a folder, nodes that save write there."""
        if self.runs.run(self._tell, self._ended, folder):
            self.run_button.setText("Cancel")

    def _ended(self) -> None:
        with suppress(RuntimeError):  # the window may be gone
            self.run_button.setText("Run")
            self._ask_soon()

    def _ask_soon(self, _event: object = None) -> None:
        if self.auto.isChecked():
            self._soon.start()

    def _run_if_changed(self) -> None:
        if self.auto.isChecked() and self.runs.has_changed() and not self.runs.cancel():
            self.run()


def _dropped(event: Any) -> list[Path]:
    """Return the files of an event that may be workflows."""
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls()]
    return [path for path in paths if path.suffix.lower() in (".json", ".png")]
