"""A server that stops sending in the middle of a file: a cancel is heard all the same."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from matting_nodes.job import Cancelled, Job
from matting_nodes.models import weights
from matting_nodes.models._source import Address
from matting_nodes.models.pool import Pool


@pytest.fixture
def silent():
    """The address of a file whose second half never comes, and what tells that it is asked for."""
    asked, over = threading.Event(), threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "2000000")
            self.end_headers()
            self.wfile.write(bytes(1000000))
            asked.set()
            over.wait(60)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/a.pth", asked
    over.set()
    server.shutdown()
    server.server_close()


def fetched(model, job):
    weights.fetch(model, job=job)


def leased(model, job):
    with Pool().lease(model.name, job=job):
        pass


@pytest.mark.parametrize("use", [fetched, leased])
def test_a_cancel_does_not_wait_for_the_server(register, cache, silent, use):
    url, asked = silent
    model = register(source=Address(url))
    began = []

    def cancelled():
        if asked.is_set() and not began:
            began.append(time.monotonic())
        return bool(began)

    with pytest.raises(Cancelled):
        use(model, Job(cancelled=cancelled))
    # Far below the half a minute after which the connection would give up.
    assert time.monotonic() - began[0] < 5
    assert not (cache / model.file).exists()
