"""Finding, fetching and checking files, against a real server on loopback."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from matting_nodes.errors import WeightsError
from matting_nodes.job import Cancelled, Job
from matting_nodes.models import _fingerprints, weights
from matting_nodes.models._folder import add_search_folders, search_folders
from matting_nodes.models._source import Address, ByHand


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_file_is_fetched_once_and_its_progress_told(tiny, cache, server):
    told = []
    path = weights.fetch(tiny, job=Job(lambda fraction, message: told.append((fraction, message))))
    assert path == cache / "tiny.pth"
    assert path.read_bytes() == server.files["/tiny.pth"]
    assert weights.fetch(tiny) == path
    assert server.asked == ["/tiny.pth"]
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert any(message.startswith("download tiny.pth: ") for _, message in told)


def test_nothing_is_fetched_by_looking(tiny, cache, server):
    assert weights.find(tiny) is None
    assert not server.asked
    assert not cache.exists()


@pytest.mark.parametrize("digits", [8, 64])
def test_a_published_checksum_is_asked_of_the_download(register, server, cache, digits):
    server.files["/a.pth"] = b"the right bytes"
    digest = hashlib.sha256(b"the right bytes").hexdigest()[:digits]
    good = register(source=Address(f"{server.url}/a.pth"), sha256=digest)
    assert weights.fetch(good).read_bytes() == b"the right bytes"


def test_wrong_bytes_are_refused_and_not_kept(register, server, cache):
    server.files["/a.pth"] = b"the wrong bytes"
    bad = register(source=Address(f"{server.url}/a.pth"), sha256="ab" * 32)
    with pytest.raises(WeightsError, match=rf"{server.url}/a.pth sent has.*begins with abab"):
        weights.fetch(bad)
    assert left_in(cache) == []


def test_a_download_that_breaks_off_leaves_nothing_and_starts_anew(tiny, cache, server):
    server.broken.add("/tiny.pth")
    with pytest.raises(WeightsError, match="could not be downloaded") as caught:
        weights.fetch(tiny)
    for told in (f"{server.url}/tiny.pth", "tiny.pth", str(cache), "by hand"):
        assert told in str(caught.value)
    assert left_in(cache) == []
    server.broken.clear()
    assert weights.fetch(tiny).read_bytes() == server.files["/tiny.pth"]
    assert left_in(cache) == ["checksums.json", "tiny.pth"]


def test_a_cancelled_download_leaves_nothing(register, server, cache):
    server.files["/large.pth"] = bytes(4 << 20)
    large = register(source=Address(f"{server.url}/large.pth"))
    seen = []
    job = Job(lambda fraction, _: seen.append(fraction), lambda: len(seen) > 3)
    with pytest.raises(Cancelled):
        weights.fetch(large, job=job)
    assert 0 < seen[-1] < 0.9
    assert left_in(cache) == []


def test_a_host_may_cancel_with_an_exception_of_its_own(register, server, cache):
    class Interrupted(BaseException):
        pass

    def interrupted():
        if left_in(cache):
            raise Interrupted
        return False

    server.files["/large.pth"] = bytes(4 << 20)
    with pytest.raises(Interrupted):
        weights.fetch(
            register(source=Address(f"{server.url}/large.pth")), job=Job(cancelled=interrupted)
        )
    assert left_in(cache) == []


def test_what_a_killed_download_left_is_no_file_and_is_swept_up(tiny, cache, server):
    import os

    cache.mkdir()
    old, young = cache / "tiny.pth.abc.part", cache / "tiny.pth.def.part"
    old.write_bytes(b"half")
    young.write_bytes(b"another process writes this")
    os.utime(old, (0, 0))
    assert weights.find(tiny) is None
    weights.fetch(tiny)
    assert left_in(cache) == ["checksums.json", "tiny.pth", "tiny.pth.def.part"]


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><title>Quota exceeded", b"\n<html>Virus scan"])
def test_a_web_page_is_not_taken_for_a_file(register, server, cache, page):
    server.files["/a.pth"] = page
    with pytest.raises(WeightsError, match=r"answered with a web page.*by hand"):
        weights.fetch(register(source=Address(f"{server.url}/a.pth")))
    assert left_in(cache) == []


def test_a_server_that_lacks_the_file_is_named(register, server, cache):
    with pytest.raises(WeightsError, match="404"):
        weights.fetch(register(source=Address(f"{server.url}/gone.pth")))


def test_no_server_at_all_is_a_clear_error(register, cache):
    nowhere = register(source=Address("http://127.0.0.1:9/tiny.pth", "https://example.org"))
    with pytest.raises(WeightsError, match=r"could not be downloaded.*https://example\.org"):
        weights.fetch(nowhere)
    assert left_in(cache) == []


def test_offline_says_where_to_put_what(tiny, cache, server, monkeypatch):
    monkeypatch.setenv("MATTING_NODES_OFFLINE", "1")
    with pytest.raises(WeightsError, match="MATTING_NODES_OFFLINE forbids") as caught:
        weights.fetch(tiny)
    for told in ("tiny.pth", str(cache), f"{server.url}/tiny.pth", "by hand"):
        assert told in str(caught.value)
    assert not server.asked
    cache.mkdir()
    (cache / "tiny.pth").write_bytes(b"brought on a stick")
    assert weights.fetch(tiny) == cache / "tiny.pth"


def test_a_model_without_public_weights_says_so(register, cache):
    untrained = register(source=ByHand(note="Nobody publishes weights for it"))
    with pytest.raises(WeightsError, match=r"Nobody publishes weights for it.*Put a file"):
        weights.fetch(untrained)


def test_a_file_that_changes_after_its_first_use_is_refused(tiny, cache, server):
    path = weights.fetch(tiny)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert weights.verify(tiny) == digest
    path.write_bytes(b"other bytes")
    for use in (weights.fetch, weights.verify):
        with pytest.raises(
            WeightsError, match=rf"tiny\.pth has changed.*first used it was {digest}"
        ):
            use(tiny)
    assert weights.verify(tiny, accept=True) == hashlib.sha256(b"other bytes").hexdigest()
    assert weights.fetch(tiny) == path


def test_a_file_deleted_and_fetched_again_may_differ_where_upstream_promises_nothing(
    tiny, cache, server
):
    weights.fetch(tiny).unlink()
    server.files["/tiny.pth"] += b" of a newer release"
    assert weights.fetch(tiny).read_bytes().endswith(b"newer release")


def test_accepting_never_overrules_a_published_checksum(register, cache):
    cache.mkdir()
    (cache / "tiny.pth").write_bytes(b"mine")
    with pytest.raises(WeightsError, match="begins with abcd1234"):
        weights.verify(register(sha256="abcd1234"), accept=True)


def test_a_damaged_record_of_checksums_is_named(tiny, cache):
    weights.fetch(tiny)
    _fingerprints.record_path().write_text("[1, 2")
    with pytest.raises(WeightsError, match=r"checksums\.json cannot be read"):
        weights.fetch(tiny)


def test_folders_of_a_host_come_first_and_get_the_downloads(tiny, tmp_path, monkeypatch):
    monkeypatch.delenv("MATTING_NODES_OFFLINE", raising=False)
    monkeypatch.delenv("MATTING_NODES_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    host = [tmp_path / "one", tmp_path / "two"]
    forget = add_search_folders(lambda: host)
    try:
        assert search_folders()[:2] == host
        host[1].mkdir()
        (host[1] / "tiny.pth").write_bytes(b"there already")
        assert weights.find(tiny) == host[1] / "tiny.pth"
        (host[1] / "tiny.pth").unlink()
        assert weights.fetch(tiny) == host[0] / "tiny.pth"
    finally:
        forget()
    assert host[0] not in search_folders()


def test_a_file_the_user_names_is_taken_as_it_is(register, tmp_path, cache):
    model = register(sha256="ab" * 32)
    (tmp_path / "mine.pth").write_bytes(b"my own training")
    assert weights.fetch(model, tmp_path / "mine.pth") == tmp_path / "mine.pth"
    with pytest.raises(WeightsError, match=r"absent\.pth is not a file"):
        weights.fetch(model, tmp_path / "absent.pth")


def test_two_threads_that_fetch_one_file_both_get_it_whole(tiny, cache, server):
    paths = []
    threads = [threading.Thread(target=lambda: paths.append(weights.fetch(tiny))) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paths == [cache / "tiny.pth"] * 2
    assert paths[0].read_bytes() == server.files["/tiny.pth"]
    assert left_in(cache) == ["checksums.json", "tiny.pth"]
    assert server.asked == ["/tiny.pth"]


def test_a_full_disk_is_named_and_keeps_no_part(server, tmp_path):
    """A real small disk: the shell's file size limit makes the write fail midway."""
    server.files["/large.pth"] = bytes(1 << 20)
    script = (
        "import resource, signal; from matting_nodes.models import catalog, weights\n"
        "from matting_nodes.models._source import Address\n"
        "from matting_nodes.errors import WeightsError\n"
        "m = catalog.Model(name='a', title='A', task='', builder='', licence='', paper='',\n"
        f"  file='large.pth', source=Address('{server.url}/large.pth'))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "try: weights.fetch(m)\n"
        "except WeightsError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"MATTING_NODES_CACHE": str(tmp_path / "c"), "PYTHONPATH": ":".join(sys.path)},
    )
    assert "large.pth cannot be written: File too large" in done.stdout
    assert "MATTING_NODES_CACHE" in done.stdout
    assert left_in(tmp_path / "c") == []


def test_a_folder_that_cannot_be_made_is_named(tiny, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.delenv("MATTING_NODES_OFFLINE", raising=False)
    monkeypatch.setenv("MATTING_NODES_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(WeightsError, match=r"cannot be written: Not a directory"):
        weights.fetch(tiny)
