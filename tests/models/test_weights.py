"""Finding, fetching and checking files, against a real server on loopback."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from matting_nodes.errors import WeightsError
from matting_nodes.job import Cancelled, Job
from matting_nodes.models import _fingerprints, weights
from matting_nodes.models._folder import add_search_folders, search_folders
from matting_nodes.models._source import Address, ByHand
from matting_nodes.models.catalog import MODELS

from .conftest import tiny_network


def left_in(folder: Path) -> list[str]:
    there = folder.iterdir() if folder.exists() else []
    return sorted(path.name for path in there if path.name != ".locks")


def checkpoint(path: Path, seed: int = 0) -> bytes:
    """Write a checkpoint of the small network and return its bytes."""
    torch.save(tiny_network(seed).state_dict(), path)
    return path.read_bytes()


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

    server.files["/large.pth"] = bytes(64 << 20)
    with pytest.raises(Interrupted):
        weights.fetch(
            register(source=Address(f"{server.url}/large.pth")), job=Job(cancelled=interrupted)
        )
    assert left_in(cache) == []


@pytest.mark.parametrize("tag", ['"v1"', ""])
def test_what_a_killed_download_left_is_continued_or_fetched_again(tiny, cache, server, tag):
    whole = server.files["/tiny.pth"]
    if tag:
        server.tags["/tiny.pth"] = tag
    killed = (
        "import os; from matting_nodes.models import catalog, weights\n"
        "from matting_nodes.job import Job\n"
        "from matting_nodes.models._source import Address\n"
        "m = catalog.Model(name='a', title='A', task='', builder='', licence='', paper='',\n"
        f"  file='tiny.pth', source=Address('{server.url}/tiny.pth'))\n"
        "weights.fetch(m, job=Job(cancelled=lambda: got() and os._exit(9)))\n"
    )
    # Killed when the first piece is on the disk, which is all but the last bytes.
    got = f"got = lambda: os.path.exists({str(cache / 'tiny.pth.part')!r})\n"
    environment = {"MATTING_NODES_CACHE": str(cache), "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", "import os\n" + got + killed], env=environment)
    assert done.returncode == 9
    assert weights.find(tiny) is None
    half = cache / "tiny.pth.part"
    half.write_bytes(whole[:1000])
    assert weights.fetch(tiny).read_bytes() == whole
    assert server.begun == [0, 1000 if tag else 0]
    assert left_in(cache) == ["checksums.json", "tiny.pth"]


def test_a_lost_connection_is_continued_only_with_the_same_file(tiny, cache, server):
    server.tags["/tiny.pth"] = '"v1"'
    server.broken.add("/tiny.pth")
    with pytest.raises(WeightsError, match="could not be downloaded"):
        weights.fetch(tiny)
    assert left_in(cache) == ["tiny.pth.part", "tiny.pth.part.json"]
    server.broken.clear()
    server.tags["/tiny.pth"] = '"v2"'
    assert weights.fetch(tiny).read_bytes() == server.files["/tiny.pth"]
    assert server.begun == [0, 0]
    assert left_in(cache) == ["checksums.json", "tiny.pth"]


NO_CHECKPOINTS = {
    "nothing": (b"", "nothing at all"),
    "page": (b"<!DOCTYPE html><title>Quota exceeded", "a web page or XML"),
    "page after a mark": (b"\xef\xbb\xbf\n<html>Virus scan", "a web page or XML"),
    "page after a comment": (b"<!-- sorry --><html>", "a web page or XML"),
    "XML": (b"<?xml version='1.0'?><Error>", "a web page or XML"),
    "JSON": (b'{"message": "Not Found"}', "JSON"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "a Git LFS pointer"),
}


@pytest.mark.parametrize("answer", NO_CHECKPOINTS)
def test_what_is_no_checkpoint_is_named_and_not_kept(register, server, cache, answer):
    server.files["/a.pth"], kind = NO_CHECKPOINTS[answer]
    with pytest.raises(WeightsError, match=rf"sent \({kind}\) is not the weights.*by hand"):
        weights.fetch(register(source=Address(f"{server.url}/a.pth")))
    assert left_in(cache) == []


def test_half_a_file_without_its_length_is_not_kept(tiny, cache, server):
    server.broken.add("/tiny.pth")
    server.unmeasured.add("/tiny.pth")
    with pytest.raises(WeightsError, match=r"is not the weights of Tiny: .* cannot be read"):
        weights.fetch(tiny)
    assert left_in(cache) == []


def test_another_networks_file_is_not_kept(register, server, cache, tmp_path):
    torch.save(torch.nn.Linear(2, 3).state_dict(), tmp_path / "other.pth")
    server.files["/a.pth"] = (tmp_path / "other.pth").read_bytes()
    with pytest.raises(WeightsError, match=r"does not fit Tiny: 8 missing .*first\.weight"):
        weights.fetch(register(source=Address(f"{server.url}/a.pth")))
    assert left_in(cache) == []


def test_a_bad_file_put_there_by_hand_is_never_trusted_and_is_mended_by_force(tiny, cache, server):
    cache.mkdir()
    (cache / "tiny.pth").write_bytes(b"<html>saved from a browser")
    for use in (weights.fetch, weights.verify):
        with pytest.raises(WeightsError, match=r"tiny\.pth cannot be read as a checkpoint"):
            use(tiny)
    assert not _fingerprints.record_path().exists()
    assert weights.fetch(tiny, force=True).read_bytes() == server.files["/tiny.pth"]
    weights.verify(tiny)


def test_a_bad_file_on_record_is_found_by_verify(tiny, cache):
    """As versions before this one may have recorded it."""
    cache.mkdir()
    path = cache / "tiny.pth"
    path.write_bytes(b"half a file")
    digest = hashlib.sha256(b"half a file").hexdigest()
    _fingerprints.record_path().write_text(json.dumps({str(path.resolve()): digest}))
    with pytest.raises(WeightsError, match="cannot be read as a checkpoint"):
        weights.verify(tiny)


def test_force_keeps_the_old_file_if_the_download_fails(tiny, cache, server):
    good = weights.fetch(tiny).read_bytes()
    server.files["/tiny.pth"] = b"<html>Try again later"
    with pytest.raises(WeightsError, match="not the weights"):
        weights.fetch(tiny, force=True)
    assert (cache / "tiny.pth").read_bytes() == good
    assert weights.fetch(tiny) == cache / "tiny.pth"


def test_the_name_that_git_gives_a_file_is_a_checksum(register, server, cache):
    server.files["/a.pth"] = b"what is up, doc?"
    # As git's own book has it.
    name = "bd9dbf5aae1a3862dd1526723246b20206e5fc37"
    good = register(source=Address(f"{server.url}/a.pth"), git_sha1=name)
    assert weights.fetch(good).read_bytes() == b"what is up, doc?"
    (cache / "tiny.pth").write_bytes(b"something else")
    with pytest.raises(WeightsError, match=f"the SHA-1 {name} in git.*--force"):
        weights.fetch(good)


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
    checkpoint(cache / "tiny.pth")
    assert weights.fetch(tiny) == cache / "tiny.pth"


def test_a_model_without_public_weights_says_so(register, cache):
    untrained = register(source=ByHand(note="Nobody publishes weights for it"))
    with pytest.raises(WeightsError, match=r"Nobody publishes weights for it.*Put a file"):
        weights.fetch(untrained)


def test_a_file_that_changes_after_its_first_use_is_refused(tiny, cache, server):
    path = weights.fetch(tiny)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert weights.verify(tiny) == digest
    other = checkpoint(path, seed=1)
    for use in (weights.fetch, weights.verify):
        with pytest.raises(
            WeightsError, match=rf"tiny\.pth has changed.*first used it was {digest}"
        ):
            use(tiny)
    assert weights.verify(tiny, accept=True) == hashlib.sha256(other).hexdigest()
    assert weights.fetch(tiny) == path


def test_a_file_deleted_and_fetched_again_may_differ_where_upstream_promises_nothing(
    tiny, cache, server, tmp_path
):
    weights.fetch(tiny).unlink()
    newer = checkpoint(tmp_path / "newer.pth", seed=1)
    server.files["/tiny.pth"] = newer
    assert weights.fetch(tiny).read_bytes() == newer


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


def test_weights_that_a_package_lacks_are_looked_for_in_the_folders(cache):
    """The package of ComfyUI's registry leaves those of the refiner out."""
    lacking = replace(MODELS["refiner"], file="left_out.safetensors")
    with pytest.raises(WeightsError, match="left_out") as failure:
        weights.fetch(lacking)
    assert "registry" in str(failure.value)
    assert str(weights.target(lacking)) in str(failure.value)
    weights.target(lacking).parent.mkdir(parents=True, exist_ok=True)
    weights.target(lacking).write_bytes(b"by hand")
    assert weights.find(lacking) == weights.target(lacking)
    assert weights.find(MODELS["refiner"]).parent.name == "packaged"
