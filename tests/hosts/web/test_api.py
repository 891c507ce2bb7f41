from __future__ import annotations

import asyncio
import io
import json
import socket
import struct
import time
import zipfile
import zlib

import cv2
import httpx
import numpy as np
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from matting_nodes import all_nodes, alpha_matte, sample_data
from matting_nodes.framework.spec import NODES
from matting_nodes.hosts.web._forms import FILES
from matting_nodes.nodes._cutout import cutout


def decoded(data: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture.ndim == 2:
        return picture
    return picture[..., [2, 1, 0, 3][: picture.shape[2]]]


def png(array: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, options.pop("format", "PNG"), **options)
    return stream.getvalue()


@pytest.fixture(scope="module")
def small(lemur_file):
    """A picture and a trimap that are solved in no time."""
    part = np.s_[60:160, 220:340]
    image = np.round(sample_data.lemur()[part] * 255).astype(np.uint8)
    return image, sample_data.lemur_trimap()[part]


def test_a_node_gives_the_pixels_that_python_gives(server, small):
    image, trimap = small
    files = {"image": png(image), "trimap": png(trimap)}
    answer = httpx.post(server.url + "/api/alpha_matte", files=files)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    expected = np.floor(alpha_matte(image, trimap) * np.float64(65535) + 0.5)
    np.testing.assert_array_equal(decoded(answer.content), expected)
    told = json.loads(answer.headers["matting-provenance"])
    assert told["parameters"]["method"] == "sampled_propagation"


def test_every_node_has_an_address(server):
    api = httpx.get(server.url + "/openapi.json").json()
    assert {f"/api/{spec.name}" for spec in all_nodes()} < api["paths"].keys()
    for spec in all_nodes():
        answer = httpx.post(f"{server.url}/api/{spec.name}", files={"x": b""})
        assert answer.status_code == 422


def test_all_outputs_come_as_an_archive(server, small):
    image, trimap = small
    alpha = np.where(trimap == 128, 100, trimap).astype(np.uint8)
    answer = httpx.post(
        server.url + "/api/estimate_foreground",
        params={"output": "all", "type": "tiff"},
        files={"image": png(image), "alpha": png(alpha)},
        data={"method": "blur_fusion"},
    )
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert set(archive.namelist()) == {"foreground.tiff", "background.tiff", "provenance.json"}
        assert json.loads(archive.read("provenance.json"))["parameters"]["method"] == "blur_fusion"


def test_a_table_comes_as_json(server, small):
    trimap = small[1]
    files = {"alpha": png(trimap), "reference": png(255 - trimap)}
    answer = httpx.post(server.url + "/api/compare", params={"output": "table"}, files=files)
    assert answer.json()["pixels"] == trimap.size


def test_the_whole_pipeline_over_another_picture(server, lemur_file):
    beach = png(np.round(sample_data.beach() * 255).astype(np.uint8))
    found = cutout(sample_data.lemur(), network="grabcut")
    plain = httpx.post(server.url + "/api/cutout", files={"image": lemur_file}, timeout=60)
    expected = np.floor(found.picture * np.float64(255) + 0.5)
    # From a file of 8 bits, and from the floats that it was read as.
    assert abs(decoded(plain.content).astype(int) - expected).max() <= 1
    files = {"image": lemur_file, "background": beach}
    over = httpx.post(server.url + "/api/cutout", files=files, timeout=60)
    assert decoded(over.content).shape == (*found.alpha.shape, 3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"method": "nonsense"}, "has no method"),
        ({"method": "band", "inner": "-3"}, "inner of Make Trimap (Band) is -3.0"),
        ({"inner": "much"}, "inner of Make Trimap (Band) is 'much'"),
        ({"colour": "red"}, "no parameter colour"),
        ({"method": "tnet", "weights": "../../etc/passwd"}, "weights is '../../etc/passwd'"),
        ({"method": "tnet", "weights": "/root/own.pth"}, "weights is '/root/own.pth'"),
    ],
)
def test_a_parameter_that_cannot_be_used(server, small, data, words):
    answer = httpx.post(server.url + "/api/make_trimap", files={"mask": png(small[1])}, data=data)
    told = answer.json()
    assert answer.status_code == 422
    assert words in told["value"]
    assert told["rule"]
    assert told["fix"]


def test_a_server_without_weights_says_so(server, small):
    answer = httpx.post(
        server.url + "/api/segment", files={"image": png(small[0])}, data={"method": "modnet"}
    )
    assert answer.status_code == 422
    assert answer.json()["error"] == "WeightsError"
    assert "models fetch" in answer.json()["fix"]
    assert "/" not in answer.json()["value"]


def test_every_parameter_that_may_name_a_file_is_known():
    """A new text parameter must be looked at: may a stranger set it?"""
    texts = {
        parameter.name
        for spec in NODES.values()
        for parameter in (
            *spec.parameters,
            *(p for method in spec.methods.values() for p in method.parameters),
        )
        if parameter.type is str and not parameter.choices and not parameter.color
    }
    assert texts - {"classes", "mean", "deviation"} == FILES


# Hostile uploads.


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0"))


def animated(kind: str) -> bytes:
    frames = [Image.fromarray(np.full((40, 40, 3), level, np.uint8)) for level in (0, 200)]
    stream = io.BytesIO()
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:])
    return stream.getvalue()


GOOD = png(np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8))
HOSTILE = {
    "empty": b"",
    "text": b"I am a picture, honestly. " * 20,
    "html": b"<html><script>alert(1)</script></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(%pipe%id) (r) file\n%%EOF\n",
    "pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF",
    "zip": b"PK\x03\x04" + bytes(200),
    "elf": b"\x7fELF" + bytes(200),
    "magic alone": b"\x89PNG\r\n\x1a\n",
    "cut off PNG": GOOD[: len(GOOD) // 2],
    "cut off JPEG": png(np.zeros((60, 60, 3), np.uint8), format="JPEG")[:100],
    "damaged PNG": GOOD[:200] + b"\0\xff" * 20 + GOOD[240:],
    "200 megapixels": claiming(20_000, 10_000),
    "4 gigapixels": claiming(65_535, 65_535),
    "no pixel": claiming(0, 10),
    "negative size": claiming(2**31 - 1, 2**31 - 1),
    "a bomb of zeros": png(np.zeros((3000, 3000), np.uint8)),
    "one pixel": png(np.zeros((1, 1, 3), np.uint8)),
    "one line": png(np.zeros((1, 1000, 3), np.uint8)),
    "animated GIF": animated("GIF"),
    "animated PNG": animated("PNG"),
    "animated WebP": animated("WEBP"),
    "stack": animated("TIFF"),
    "not a number": None,  # a float TIFF, made below
    "TIFF that points at itself": b"II*\0\x08\0\0\0\x01\0\xff\xff\x04\0\x01\0\0\0"
    + b"\x08\0\0\0" * 2,
    "BMP with a wrong size": b"BM"
    + struct.pack("<IIIIiiHH", 70, 0, 54, 40, 1 << 30, 1 << 30, 1, 24),
    "21 MB": b"\x89PNG\r\n\x1a\n" + bytes(21_000_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_upload_gets_a_message(server, name):
    data = HOSTILE[name]
    if data is None:
        import tifffile

        stream = io.BytesIO()
        tifffile.imwrite(stream, np.full((50, 50, 3), np.nan, np.float32), photometric="rgb")
        data = stream.getvalue()
    files = {"image": ("../../../etc/cron.d/x\r\nSet-Cookie: a=b.png", data, "image/png")}
    answer = httpx.post(server.url + "/api/segment", files=files, timeout=60)
    assert 400 <= answer.status_code < 500, answer.text
    told = answer.json()
    assert told["value"]
    assert told["rule"]
    assert told["fix"]
    assert "Traceback" not in answer.text
    assert "set-cookie" not in answer.headers
    assert httpx.get(server.url + "/health").status_code == 200
    assert not list(server.temporary.iterdir())


def test_pictures_of_every_honest_kind_are_taken(server, small):
    """CMYK, EXIF rotation, grey, 16 bits, transparency."""
    image, trimap = small
    turned = Image.Exif()
    turned[0x0112] = 6
    upright = np.ascontiguousarray(np.rot90(image))
    deep = io.BytesIO()
    Image.fromarray((image[..., 0].astype(np.uint16)) * 257).save(deep, "PNG")
    cmyk = io.BytesIO()
    Image.fromarray(image).convert("CMYK").save(cmyk, "JPEG")
    for data in (
        cmyk.getvalue(),
        png(upright, format="JPEG", exif=turned, quality=95),
        png(image[..., 0]),
        deep.getvalue(),
        png(np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])),
    ):
        files = {"image": data, "trimap": png(trimap)}
        answer = httpx.post(server.url + "/api/alpha_matte", files=files)
        assert answer.status_code == 200, answer.text
        assert decoded(answer.content).shape == trimap.shape


def test_requests_that_are_no_forms(server, lemur_file):
    address = server.url + "/api/segment"
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert httpx.post(address, json={}).status_code == 415
    assert httpx.post(address, content=b"x", headers=broken).status_code == 400
    assert httpx.post(address).status_code == 415
    assert httpx.get(address).status_code == 405
    assert httpx.post(server.url + "/api/nothing").status_code == 404
    two = [("image", lemur_file), ("image", lemur_file)]
    twice = httpx.post(address, files=two)
    assert "given twice" in twice.json()["value"]
    many = [(f"f{n}", b"x") for n in range(50)]
    assert httpx.post(address, files=many).status_code == 400


def test_a_body_that_lies_about_its_length_is_stopped(server):
    """No Content-Length: it is counted as it comes."""

    def body():
        yield b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        for _ in range(100):
            yield bytes(1_000_000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    try:
        answer = httpx.post(server.url + "/api/segment", content=body(), headers=headers)
        assert answer.status_code == 413
    except httpx.TransportError:
        pass  # it hung up before all was sent
    assert server.megabytes() < 3000
    assert httpx.get(server.url + "/health").status_code == 200


# Who may ask.


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "rebound.example"},
        {"Host": "[nonsense"},
    ],
)
def test_pages_of_other_sites_are_refused(server, headers, small):
    files = {"image": png(small[0])}
    answer = httpx.post(server.url + "/api/segment", files=files, headers=headers)
    assert answer.status_code in (403, 421, 400)


def test_headers_are_strict_everywhere(server):
    for path in ("/", "/docs", "/openapi.json", "/nothing", "/health"):
        headers = httpx.get(server.url + path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
        assert "access-control-allow-origin" not in headers
        assert "set-cookie" not in headers


def test_files_beside_the_page_cannot_be_asked_for(server):
    for path in ("/../_app.py", "/%2e%2e/_app.py", "/page.css/../../_app.py", "//etc/passwd"):
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            line.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert b" 404 " in line.recv(100)


def test_too_many_requests_are_refused(serve):
    slow = serve("--per-minute", "3")
    codes = [httpx.post(slow.url + "/api/segment").status_code for _ in range(5)]
    assert codes == [415, 415, 415, 429, 429]
    assert httpx.get(slow.url + "/health").status_code == 200


def test_a_proxy_may_put_it_elsewhere(serve):
    behind = serve("--prefix", "/matting")
    assert httpx.get(behind.url + "/matting", follow_redirects=True).status_code == 200
    assert httpx.get(behind.url + "/matting/page.js").status_code == 200
    assert httpx.get(behind.url + "/matting/openapi.json").status_code == 200
    assert httpx.get(behind.url + "/page.js").status_code == 200


def test_it_listens_on_this_machine_alone(server):
    others = [a[4][0] for a in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    for address in {a for a in others if not a.startswith("127.")}:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, server.port), timeout=2)


# The queue.


def test_the_description_is_openapi(server):
    api = httpx.get(server.url + "/openapi.json").json()
    assert api["openapi"].startswith("3.1")
    for path, operation in api["paths"].items():
        if "post" in operation:
            form = operation["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
            Draft202012Validator.check_schema(form)
            assert path in httpx.get(server.url + "/docs").text


def test_work_stops_when_the_client_goes_away(server):
    """KNN matting of such a picture takes much longer than the test waits."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (1000, 1500, 3), np.uint8)
    trimap = np.full(image.shape[:2], 128, np.uint8)
    trimap[:10], trimap[-10:] = 0, 255
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            server.url + "/api/alpha_matte",
            files={"image": png(image), "trimap": png(trimap)},
            data={"method": "closed_form"},
            timeout=httpx.Timeout(30, read=1),
        )
    began = time.monotonic()
    while server.pending() and time.monotonic() - began < 30:
        time.sleep(0.1)
    assert server.pending() == 0


def test_what_waits_is_limited(serve):
    busy = serve("--workers", "1", "--waiting", "1", "--per-minute", "1000")
    image = np.random.default_rng(0).integers(0, 255, (500, 700, 3), np.uint8)

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(timeout=120) as client:
            address, files = busy.url + "/api/segment", {"image": png(image)}
            return await asyncio.gather(*(client.post(address, files=files) for _ in range(6)))

    answers = asyncio.run(ask())
    codes = sorted(answer.status_code for answer in answers)
    assert codes.count(200) >= 1
    assert codes.count(503) >= 1
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert "retry-after" in refused.headers
    assert busy.pending() == 0


def test_twenty_clients_at_once_each_get_their_own_picture(server, small):
    image, trimap = small

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(timeout=300) as client:
            return await asyncio.gather(
                *(
                    client.post(
                        server.url + "/api/composite",
                        files={"image": png(image), "alpha": png(trimap)},
                        data={"color": f"#{n:02x}{2 * n:02x}{3 * n:02x}"},
                    )
                    for n in range(20)
                )
            )

    corner = np.argwhere(trimap == 0)[0]
    for n, answer in enumerate(asyncio.run(ask())):
        assert answer.status_code == 200
        assert decoded(answer.content)[tuple(corner)].tolist() == [n, 2 * n, 3 * n]
