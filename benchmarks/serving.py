"""How quick the page's server is, on one machine: `python benchmarks/serving.py`.

A server in a process of its own, and a client that does what the page does, over its websocket:
upload to composite, stroke to pixels, start to the first composite, and memory. With `uploads`
it measures memory alone: 60 pictures of 20 megapixels, half of them in one session after another.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from websockets.sync.client import connect

from matting_nodes import sample_data

SIZES = {"1 MP": (806, 1240), "4 MP": (1612, 2480)}
STROKES, UPLOADS = 40, 5
# 20 megapixels, so often in one session, and as often in a session of its own
LARGE, LARGE_UPLOADS = (3648, 5472), 30


def picture(height: int, width: int) -> bytes:
    """Return the lemur at a size, as a PNG."""
    image = np.round(sample_data.lemur()[..., ::-1] * 255).astype(np.uint8)
    large = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    return bytes(cv2.imencode(".png", large)[1])


class Client:
    """The page without a browser."""

    def __init__(self, port: int) -> None:
        self.socket = connect(f"ws://127.0.0.1:{port}/live", max_size=None, legacy=True)
        self.parameters = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/specs.json"))[
            "start"
        ]

    def ask(self, until: str, file: bytes = b"", **wish: object) -> float:
        """Return the seconds until a step's picture is there; then wait until all is done."""
        began, seen = time.perf_counter(), 0.0
        self.socket.send(json.dumps(wish))
        if file:
            self.socket.send(file)
        while True:
            message = self.socket.recv()
            if isinstance(message, bytes):
                (length,) = struct.unpack("<I", message[:4])
                if json.loads(message[4 : 4 + length])["step"] == until:
                    seen = time.perf_counter() - began
            elif "done" in (told := json.loads(message)):
                assert "error" not in told, told
                return seen

    def open(self, data: bytes) -> float:
        """Return the seconds from upload to composite."""
        sent = self.ask("image", data, do="file", what="image", name="lemur.png")
        return sent + self.ask("composite", do="state", parameters=self.parameters)


def megabytes(process: subprocess.Popen[bytes]) -> float:
    """Return the memory that a process holds (Linux)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


@contextlib.contextmanager
def serving() -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Start a server, and give its port and process once it is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "matting_nodes", "serve", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ready")
                break
            time.sleep(0.1)
        yield port, server
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    """Print the table."""
    began = time.perf_counter()
    with serving() as (port, server):
        print(f"start to ready: {time.perf_counter() - began:.1f} s")
        Client(port).open(picture(*SIZES["1 MP"]))
        print(f"start to the first composite, 1 MP: {time.perf_counter() - began:.1f} s")
        for name, (height, width) in SIZES.items():
            measure(name, port, picture(height, width), height, width)
        print(f"memory: {megabytes(server):.0f} MB")


def uploads() -> None:
    """Print the server's memory while large pictures come and go."""
    data = picture(*LARGE)
    with serving() as (port, server):
        print(f"memory at the start: {megabytes(server):.0f} MB")
        client = Client(port)
        for count in range(1, 2 * LARGE_UPLOADS + 1):
            if count > LARGE_UPLOADS:
                client.socket.close()
                client = Client(port)
            client.ask("image", data, do="file", what="image", name="lemur.png")
            if count % 10 == 0:
                where = "one session" if count <= LARGE_UPLOADS else "a session each"
                print(f"after {count} uploads ({where}): {megabytes(server):.0f} MB")
        client.socket.close()
        time.sleep(2)
        print(f"once all are gone: {megabytes(server):.0f} MB")


def measure(name: str, port: int, data: bytes, height: int, width: int) -> None:
    """Print how long uploads and strokes of one size take."""
    client = Client(port)
    opened = [client.open(data) for _ in range(UPLOADS)]
    print(f"{name}: upload to composite {np.median(opened):.2f} s (most {max(opened):.2f})")
    rng, strokes, seconds = np.random.default_rng(0), [], []
    for _ in range(STROKES):
        # Along the edge of the head, where one paints.
        turn = rng.uniform(np.pi, 2 * np.pi)
        x, y = (0.5 + 0.19 * np.cos(turn)) * width, (0.5 + 0.36 * np.sin(turn)) * height
        points = [[x, y], [x + width * 0.03, y + height * 0.02]]
        value = ("unknown", "foreground", "background")[len(strokes) % 3]
        strokes.append({"tool": "brush", "value": value, "radius": width / 150, "points": points})
        text = json.dumps({"strokes": strokes})
        state = {"do": "state", "parameters": client.parameters, "strokes": text}
        seconds.append(client.ask("alpha", **state))
    low, high = np.percentile(seconds, (50, 95)) * 1000
    print(f"{name}: stroke to pixels of the matte, median {low:.0f} ms, 95th percentile {high:.0f}")


if __name__ == "__main__":
    uploads() if sys.argv[1:] == ["uploads"] else main()
