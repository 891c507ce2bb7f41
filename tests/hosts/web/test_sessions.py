from __future__ import annotations

import contextlib
import json
import struct
import time

import cv2
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from matting_nodes import MattingSession, sample_data
from matting_nodes.hosts.web._session import safe_name

BOX = {"tool": "box", "value": "foreground", "radius": 1, "points": [[38, 12], [136, 110]]}
STATE = {
    "do": "state",
    "parameters": {"make_trimap": {"inner": 4, "outer": 4}},
    "marks": json.dumps({"strokes": [BOX]}),
}


class Page:
    """What the page does, without a browser."""

    def __init__(self, server, **options) -> None:
        address = server.url.replace("http", "ws") + "/live"
        self.socket: ClientConnection = connect(address, max_size=None, legacy=True, **options)
        self.pictures: dict[str, np.ndarray] = {}
        self.regions: dict[str, tuple[int, int]] = {}
        self.files: dict[str, bytes] = {}

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, file: bytes = b"", **wish) -> dict:
        """Send a wish, and take what comes until it is done."""
        self.socket.send(json.dumps(wish))
        if file:
            self.socket.send(file)
        while True:
            message = self.socket.recv(timeout=120)
            if isinstance(message, bytes):
                self.take(message)
            elif "done" in (told := json.loads(message)):
                return told

    def upload(self, file: bytes, what: str = "image") -> dict:
        return self.ask(file, do="file", what=what, name="picture.png")

    def take(self, message: bytes) -> None:
        (length,) = struct.unpack("<I", message[:4])
        header, data = json.loads(message[4 : 4 + length]), message[4 + length :]
        if "file" in header:
            self.files[header["file"]] = data
            return
        part = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        shape = header["height"], header["width"], *part.shape[2:]
        step = header["step"]
        if step not in self.pictures or self.pictures[step].shape != shape:
            self.pictures[step] = np.zeros(shape, part.dtype)
        height, width = part.shape[:2]
        top, left = header["top"], header["left"]
        self.pictures[step][top : top + height, left : left + width] = part
        self.regions[step] = part.shape[:2]


@pytest.fixture(scope="module")
def small_file() -> bytes:
    image = np.round(sample_data.lemur()[::4, ::4] * 255).astype(np.uint8)
    return bytes(cv2.imencode(".png", image[..., ::-1])[1])


@pytest.fixture
def page(server, small_file):
    with Page(server) as page:
        assert "error" not in page.upload(small_file)
        assert "error" not in page.ask(**STATE)
        yield page


def strokes(*points: tuple[float, float], value: str = "unknown") -> str:
    stroke = {"tool": "brush", "value": value, "radius": 4, "points": points}
    return json.dumps({"strokes": [stroke]})


def test_only_the_rectangle_that_changed_travels(page):
    before = {name: picture.copy() for name, picture in page.pictures.items()}
    assert set(before) == {"image", "mask", "trimap", "alpha", "foreground", "composite"}
    page.regions.clear()
    page.ask(**STATE, strokes=strokes((80, 60), (86, 62)))
    assert "image" not in page.regions
    assert "mask" not in page.regions
    assert page.regions["trimap"][0] < 14
    assert page.regions["trimap"][1] < 20
    assert page.pictures["trimap"][61, 82] == 128
    # What came in parts is what a new page gets at once.
    with Page(page_server(page)) as other:
        other.upload(bytes(cv2.imencode(".png", before["image"])[1]))
        other.ask(**STATE, strokes=strokes((80, 60), (86, 62)))
        for name in ("trimap", "mask"):
            np.testing.assert_array_equal(page.pictures[name], other.pictures[name])
        difference = abs(page.pictures["alpha"].astype(int) - other.pictures["alpha"])
        assert difference.max() <= 5


def page_server(page: Page):
    class Address:
        url = f"http://127.0.0.1:{page.socket.remote_address[1]}"

    return Address


def test_undo_gives_back_what_was(page):
    before = page.pictures["trimap"].copy()
    page.ask(**STATE, strokes=strokes((80, 60), (86, 62)))
    assert (page.pictures["trimap"] != before).any()
    page.ask(**STATE)
    np.testing.assert_array_equal(page.pictures["trimap"], before)


def test_the_matte_is_that_of_a_session(page, small_file):
    image = cv2.imdecode(np.frombuffer(small_file, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    session = MattingSession.begin(image, page.pictures["trimap"])
    np.testing.assert_array_equal(page.pictures["alpha"], np.floor(session.alpha * 255 + 0.5))


def test_an_error_keeps_the_picture(page):
    told = page.upload(b"I am no picture")
    assert told["error"]["step"] == "image"
    assert told["error"]["fix"]
    told = page.ask(**STATE | {"parameters": {"make_trimap": {"inner": 5000}}})
    assert "inner of Make Trimap" in told["error"]["value"]
    everything = strokes((0, 0), (170, 0), value="foreground")
    everything = everything.replace('"radius": 4', '"radius": 500')
    told = page.ask(**STATE, strokes=everything)
    assert told["error"]["step"] == "alpha"
    # What was made before would be another state's.
    assert "error" in page.ask(do="download", what="composite")
    assert "error" not in page.ask(do="download", what="trimap")
    assert "error" not in page.ask(**STATE)


@pytest.mark.parametrize(
    "wish",
    [
        {"do": "nonsense"},
        {},
        {"do": "state", "parameters": {"nonsense": {}}},
        {"do": "state", "parameters": [1]},
        {"do": "state", "parameters": {"segment": {"method": "onnx", "file": "/etc/passwd"}}},
        {"do": "state", "strokes": "{"},
        {"do": "state", "strokes": 5},
        {"do": "state", "marks": strokes((5, 5)).replace("brush", "laser")},
        {"do": "download", "what": "../../etc/passwd"},
        {"do": "download", "what": ["alpha"]},
    ],
)
def test_messages_that_no_page_sends(page, wish):
    told = page.ask(**wish)
    assert told["error"]["value"]
    assert told["error"]["fix"]
    assert "error" not in page.ask(**STATE)


def test_what_is_no_message_ends_the_session(server):
    for message in ("{", "[1]", "1" * 10, "[" * 100_000):
        with Page(server) as page:
            page.socket.send(message)
            with pytest.raises(ConnectionClosed):
                page.socket.recv(timeout=20)


def test_a_file_that_is_too_large_ends_the_session_with_the_reason(server):
    with Page(server) as page:
        page.socket.send(json.dumps({"do": "file", "what": "image", "name": "x"}))
        with pytest.raises(ConnectionClosed) as closed:
            page.socket.send(bytes(21_000_000))
            page.socket.recv(timeout=20)
        assert closed.value.rcvd is None or closed.value.rcvd.code == 1009


def test_one_session_cannot_see_another(page, server):
    page.ask(do="download", what="alpha")
    assert list(page.files) == ["picture-alpha.png"]
    with Page(server) as other:
        for what in ("alpha", "cutout", "workflow", "trimap"):
            assert "error" in other.ask(do="download", what=what)
        assert "error" in other.ask(**STATE)
        assert not other.pictures
        assert not other.files


def test_pages_of_other_sites_get_no_session(server):
    with pytest.raises(InvalidStatus):
        Page(server, origin="https://elsewhere.example")
    with pytest.raises(InvalidStatus):
        Page(server, additional_headers={"Host": "rebound.example"})


def test_a_silent_page_is_dropped(serve, small_file):
    impatient = serve("--idle-minutes", "0.02")
    with Page(impatient) as page:
        page.upload(small_file)
        with pytest.raises(ConnectionClosed) as closed:
            page.socket.recv(timeout=20)
    assert closed.value.rcvd.reason == "Nothing was done for a while"


def test_there_are_only_so_many_sessions(serve):
    small = serve("--sessions", "2")
    with Page(small) as first, Page(small), Page(small) as third:
        with pytest.raises(ConnectionClosed) as closed:
            third.socket.recv(timeout=20)
        assert "2 pages are open" in closed.value.rcvd.reason
        first.socket.close()
        for _ in range(50):
            with Page(small) as fourth, contextlib.suppress(ConnectionClosed):
                assert "error" in fourth.ask(**STATE)
                break
            time.sleep(0.1)
        else:
            pytest.fail("The place of a page that was closed stayed taken")


def test_newer_wishes_stop_older_work(server):
    """Closed form takes minutes for such a picture, a guided filter a moment."""
    image = np.random.default_rng(0).integers(0, 255, (1100, 1700, 3), np.uint8)
    parameters = {"segment": {"method": "threshold"}, "make_trimap": {"inner": 1, "outer": 1}}
    slow = {"do": "state", "parameters": parameters | {"alpha_matte": {"method": "closed_form"}}}
    quick = {"do": "state", "parameters": parameters | {"alpha_matte": {"method": "guided_filter"}}}
    image[300:700, 300:900] //= 4
    with Page(server) as page:
        page.upload(bytes(cv2.imencode(".png", image)[1]))
        page.socket.send(json.dumps(slow))
        while "trimap" not in page.pictures:
            message = page.socket.recv(timeout=60)
            if isinstance(message, bytes):
                page.take(message)
        began = time.monotonic()
        told = page.ask(**quick)
        assert told["done"] == "state"
        assert "alpha" in page.pictures
        assert told["seconds"] <= time.monotonic() - began  # it is the quick one's answer


def test_200_sessions_that_were_left_leave_nothing(server, small_file):
    def visit(count: int) -> None:
        for _ in range(count):
            with Page(server) as page:
                page.upload(small_file)
                page.ask(**STATE)

    visit(30)
    before = server.megabytes()
    visit(200)
    time.sleep(0.5)
    after = server.megabytes()
    # One session holds some 2 MB: 200 of them would be 400.
    assert after < before + 40, f"{before:.0f} MB before, {after:.0f} MB after"
    assert not list(server.temporary.iterdir())


def test_names_of_files_are_safe():
    assert safe_name("C:\\photos\\me.jpg") == "me.jpg"
    assert safe_name(".bashrc") == "bashrc"
    assert safe_name("a\r\nb: c.png") == "a_b_c.png"
    assert safe_name("") == "picture"
    assert len(safe_name("x" * 500)) == 80
