from __future__ import annotations

import subprocess
import sys
from typing import Literal

import numpy as np
import pytest

from matting_nodes import (
    alpha_matte,
    composite,
    estimate_foreground,
    make_trimap,
    read_image,
    sample_data,
    segment,
)
from matting_nodes.arrays import Kind, Mask, Trimap
from matting_nodes.hosts.cli import main
from matting_nodes.io import images

LEMUR = str(sample_data.FOLDER / "lemur.png")
TRIMAP = str(sample_data.FOLDER / "lemur_trimap.png")
REFERENCE = str(sample_data.FOLDER / "lemur_alpha.png")


def test_the_steps_of_the_help_text_give_the_pixels_of_python(tmp_path, monkeypatch):
    """Each intermediate is a file; alpha travels in 16 bits, the colors in 32."""
    monkeypatch.chdir(tmp_path)
    steps = [
        f"segment {LEMUR} --box 150 50 540 440 --iterations 2 -o mask.png",
        "trimap mask.png --inner 15 --outer 25 -o trimap.png",
        f"matte {LEMUR} trimap.png -o alpha.png",
        f"foreground {LEMUR} alpha.png -o foreground.tif --output-background background.tif",
        f"composite {LEMUR} alpha.png --foreground foreground.tif --color transparent -o cut.png",
    ]
    for step in steps:
        assert main([*step.split(), "--quiet"]) == 0
    image = read_image(LEMUR)
    mask = segment(image, box=(150, 50, 540, 440), iterations=2)
    trimap = make_trimap(mask, inner=15, outer=25)
    alpha = np.round(alpha_matte(image, trimap) * np.float64(65535)).astype(np.uint16)
    foreground, background = estimate_foreground(image, alpha)
    cut = composite(image, alpha, foreground=foreground, color="transparent")
    np.testing.assert_array_equal(read_image("mask.png"), mask * 255)
    np.testing.assert_array_equal(read_image("trimap.png"), trimap)
    np.testing.assert_array_equal(read_image("alpha.png"), alpha)
    np.testing.assert_array_equal(read_image("background.tif"), background)
    np.testing.assert_array_equal(read_image("cut.png"), np.round(cut * np.float64(255)))


def test_counts_of_a_camera_stay_counts(tmp_path, monkeypatch):
    """12 bits in a 16-bit file: the matte of any numbers, and a composite that is not black."""
    monkeypatch.chdir(tmp_path)
    part = np.s_[60:160, 220:340]
    counts = read_image(LEMUR)[part][..., :3].astype(np.uint16) * 16
    images.write_image("counts.tif", counts.astype(np.float32))
    images.write_image("trimap.png", images.read(TRIMAP, Kind.TRIMAP)[part])
    assert main(["matte", "counts.tif", "trimap.png", "-o", "alpha.tif", "--quiet"]) == 0
    alpha = read_image("alpha.tif")
    np.testing.assert_array_equal(alpha, alpha_matte(counts, read_image("trimap.png")))
    steps = [
        "matte counts.tif trimap.png --normalization percentiles -o other.tif",
        "composite counts.tif alpha.tif -o cut.png",
    ]
    for step in steps:
        assert main([*step.split(), "--quiet"]) == 0
    assert not np.array_equal(read_image("other.tif"), alpha)
    cut = read_image("cut.png")
    assert cut.dtype == np.uint16
    np.testing.assert_array_equal(cut[alpha == 1], counts[alpha == 1])
    np.testing.assert_array_equal(cut[alpha == 0], counts.max())
    assert main(["composite", "counts.tif", "alpha.tif", "-o", "cut.jpg", "--quiet"]) == 1


@pytest.mark.parametrize("top", [1, 255])
def test_a_mask_of_0_and_1_is_an_alpha_too(tmp_path, monkeypatch, top):
    monkeypatch.chdir(tmp_path)
    mask = images.read(REFERENCE, Kind.ALPHA) > 127
    images.write_image("alpha.png", mask * np.uint8(top))
    assert main(["composite", LEMUR, "alpha.png", "-o", "cut.png", "--quiet"]) == 0
    np.testing.assert_array_equal(read_image("cut.png")[mask], read_image(LEMUR)[mask][:, :3])


def test_compare_prints_the_table(tmp_path, capsys):
    picture = tmp_path / "difference.png"
    assert main(["compare", REFERENCE, REFERENCE, "--trimap", TRIMAP, "-o", str(picture)]) == 0
    lines = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert lines["SAD"] == lines["Conn"] == "0"
    assert int(lines["pixels"]) == (images.read(TRIMAP, Kind.TRIMAP) == 102).sum()
    assert (read_image(picture) == 255).all()
    # The numbers alone are worth the command.
    assert main(["compare", REFERENCE, REFERENCE]) == 0


def test_the_demo_writes_every_step_and_a_contact_sheet(tmp_path, capsys):
    assert main(["demo", "--output", str(tmp_path / "new" / "demo")]) == 0
    pictures = {path.name: read_image(path) for path in (tmp_path / "new/demo").iterdir()}
    assert sorted(pictures) == [
        "1_image.png",
        "2_mask.png",
        "3_trimap.png",
        "4_alpha.png",
        "5_foreground.png",
        "6_cutout.png",
        "7_composite.png",
        "contact_sheet.png",
    ]
    assert np.unique(pictures["3_trimap.png"]).tolist() == [0, 128, 255]
    assert pictures["6_cutout.png"].shape == (440, 680, 4)
    assert pictures["contact_sheet.png"].shape == (960, 2720, 3)
    assert "SAD" in capsys.readouterr().out
    # Nothing is overwritten.
    assert main(["demo", "--output", str(tmp_path / "new" / "demo")]) == 1
    assert "1_image.png exists" in capsys.readouterr().err


def test_existing_files_stay_unless_forced(tmp_path, capsys):
    target = tmp_path / "trimap.png"
    target.write_bytes(b"precious")
    command = ["trimap", REFERENCE, "-o", str(target)]
    assert main(command) == 1
    assert target.read_bytes() == b"precious"
    assert "exists" in capsys.readouterr().err
    assert main([*command, "--force"]) == 0
    assert read_image(target).shape == (440, 680)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("matte absent.png absent.png -o a.png", "absent.png is not a file"),
        (f"matte {LEMUR} {LEMUR} -o a.png", "is a colored picture"),
        (f"segment {LEMUR} --box 9 9 3 3 -o a.png", "box goes from (9, 9) to (3, 3)"),
        (f"trimap {REFERENCE} --inner -3 -o a.png", "inner of Make Trimap (Band) is -3.0"),
        (f"segment {LEMUR} --method threshold --iterations 3 -o a.png", "no parameter iterations"),
        (f"composite {LEMUR} {REFERENCE} --color nope -o a.png", "color of Composite is 'nope'"),
        (f"trimap {REFERENCE} -o nowhere/a.png", "The folder nowhere does not exist"),
        ("trimap -o a.png", "Band works on the mask"),
        (f"segment {LEMUR} --bits 16 -o a.jpg", "JPEG holds 8 bits"),
    ],
)
def test_bad_input_exits_with_1_a_message_and_no_file(tmp_path, monkeypatch, capsys, command, told):
    monkeypatch.chdir(tmp_path)
    assert main(command.split()) == 1
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command", ["", "fly", "matte", f"trimap {REFERENCE} --inner ten -o a.png"]
)
def test_a_command_that_cannot_be_understood_exits_with_2(command):
    with pytest.raises(SystemExit) as caught:
        main(command.split())
    assert caught.value.code == 2


def test_help_teaches_the_steps_and_the_ranges(capsys):
    for command, told in (
        ("--help", "matting-nodes trimap mask.png --inner 15"),
        ("trimap --help", "a number from 0 to 200 (default: 10.0)"),
        ("segment --help", "leaves 5 %"),
    ):
        with pytest.raises(SystemExit) as caught:
            main(command.split())
        assert caught.value.code == 0
        assert told in capsys.readouterr().out


def test_an_option_of_several_methods_tells_what_it_is_for_each(capsys):
    with pytest.raises(SystemExit):
        main(["matte", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "covariance. Larger is smoother. It must be a number from 1e-09 to 0.1 (def" in text
    assert "guided_filter: Radius of the windows. It must be a whole number from 1 to 200" in text
    assert "large_kernel: Radius of the windows. It must be a whole number from 1 to 60 px" in text
    assert (
        "GCA (network) (--method gca): It takes, as above, --weights, --precision, --tile, --"
        in text
    )


def test_an_option_of_several_methods_takes_what_each_of_them_takes(registry, tmp_path, capsys):
    @make_trimap.method(title="Rows")
    def rows(mask: Mask, *, side: Literal["top", "bottom"] = "top", many: int = 1) -> Trimap:
        """Mark rows as unknown."""
        return np.full(mask.shape, 128 if side == "top" else 0, np.uint8)

    @make_trimap.method(title="Columns")
    def columns(mask: Mask, *, side: Literal["left", "right"] = "left", many: float = 2) -> Trimap:
        """Mark columns as unknown."""
        return np.full(mask.shape, round(many * 100) if side == "right" else 0, np.uint8)

    target = tmp_path / "trimap.png"
    given = ["trimap", REFERENCE, "-o", str(target), "--force", "--quiet", "--method"]
    assert main([*given, "columns", "--side", "right", "--many", "0.5"]) == 0
    assert (read_image(target) == 50).all()
    assert main([*given, "rows", "--side", "top", "--many", "3"]) == 0
    assert (read_image(target) == 128).all()
    assert main([*given, "rows", "--side", "left"]) == 1
    assert "side of Make Trimap (Rows) is 'left'" in capsys.readouterr().err


def test_an_interrupt_exits_with_130_and_writes_nothing(tmp_path):
    """A real Ctrl-C, sent by the process to itself in the middle of the work."""
    script = (
        "import os, signal, sys\n"
        "from matting_nodes.hosts.cli import main, _progress\n"
        "from matting_nodes.job import Job\n"
        "step = Job.step\n"
        "def interrupted(job, *given, **named):\n"
        "    step(job, *given, **named)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "Job.step = interrupted\n"
        f"sys.exit(main(['matte', {LEMUR!r}, {TRIMAP!r}, '-o', 'alpha.png']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 130, done.stderr
    assert "nothing was written" in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_doctor_finds_a_healthy_installation(capsys):
    code = main(["doctor"])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    for name in (
        "matting-nodes",
        "torch",
        "torchvision",
        "opencv-python",
        "cpu",
        "threads",
        "model folder",
    ):
        assert name in captured.out


def fake_wheel(folder, name, version="1.0"):
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def doctor_beside(folder):
    import os

    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "matting_nodes", "doctor"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_doctor_names_two_cv2_wheels(tmp_path):
    fake_wheel(tmp_path, "opencv-python-headless")
    done = doctor_beside(tmp_path)
    assert done.returncode == 1
    assert "opencv-python and opencv-python-headless share one folder" in done.stderr


def test_the_doctor_names_a_torchvision_that_does_not_fit(tmp_path):
    """One that fails to import, as a mismatched pair does."""
    fake_wheel(tmp_path, "torchvision", "0.1")
    (tmp_path / "torchvision").mkdir()
    failure = "raise RuntimeError('operator torchvision::nms does not exist')"
    (tmp_path / "torchvision" / "__init__.py").write_text(failure)
    done = doctor_beside(tmp_path)
    assert done.returncode == 1
    assert "torchvision 0.1 cannot be imported: operator torchvision::nms" in done.stderr
    assert "pair that belongs together" in done.stderr


def test_an_id_photo_with_its_sheet_and_verdicts(tmp_path, monkeypatch, capsys):
    """Whose face it is does not matter to rules in millimetres."""
    monkeypatch.chdir(tmp_path)
    command = f"id-photo {LEMUR} {REFERENCE} --face 260 120 420 300 --document de_passport"
    outputs = "-o photo.jpg --output-sheet sheet.png --sheet a4 --quiet"
    assert main([*command.split(), *outputs.split()]) == 0
    assert read_image("photo.jpg").shape == (531, 413, 3)
    assert read_image("sheet.png").shape in ((3508, 2480, 3), (2480, 3508, 3))
    told = capsys.readouterr().out
    assert "head, allowed 71.1 to 80 %: ok 75" in told
    assert main([*f"id-photo {LEMUR} {REFERENCE} -o again.jpg --quiet".split()]) == 1
    assert "got no face" in capsys.readouterr().err
