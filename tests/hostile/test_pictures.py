"""Pictures that are cut, huge, misnamed or oddly named: said in a sentence, or read rightly."""

import json
import os
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest

from conftest import SHARED
from trt_course import CourseError, TrtSSD, detect_dir, detect_one
from trt_course.contest.pack import pack
from trt_course.measure.evaluate import detect_folder
from trt_course.media.pictures import images_in, read_image
from trt_course.support.files import KIT, write_image

# What every OpenCV writes, and what only newer ones do
ENDINGS = ["jpg", "png", "bmp", "webp", "tif", "ppm", "jp2", "avif", "gif"]
ALWAYS = ("jpg", "png", "bmp", "ppm")


@pytest.fixture
def ssd(cells):
    with TrtSSD(cells, verbose=False) as opened:
        yield opened


def scene():
    """Smooth colours and a few edges: 320 x 240."""
    noise = np.random.RandomState(0).randint(0, 256, (240, 320, 3), np.uint8)
    picture = cv2.GaussianBlur(noise, (0, 0), 4)
    picture[60:120, 80:200] = (30, 60, 220)
    return picture


def encoded(ending, picture, *options):
    """The picture as a file's bytes; skipped where this OpenCV does not write the kind."""
    try:
        done, data = cv2.imencode("." + ending, picture, list(options))
    except cv2.error:
        done = False
    if not done:
        assert ending not in ALWAYS
        pytest.skip(f"OpenCV {cv2.__version__} writes no {ending}")
    return data.tobytes()


def png_chunk(kind, body):
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def black_png(width, height):
    """A whole PNG of one bit a pixel."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((1 + (width + 7) // 8) * height), 1)
    chunks = [png_chunk(b"IHDR", header), png_chunk(b"IDAT", rows), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


# A cut picture


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_cut_picture_is_refused(tmp_path, ending):
    data = encoded(ending, scene())
    path = tmp_path / f"a.{ending}"
    path.write_bytes(data)
    assert read_image(path).shape == (240, 320, 3)

    for share in (0.999, 0.9, 0.5, 0.1, 0.01):
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(CourseError, match=rf"a\.{ending} cannot be read as a picture: "):
            read_image(path)


def test_a_cut_jpeg_of_the_kits_own_is_no_picture_done(ssd, tmp_path, capsys):
    whole = (KIT / "data/traffic/images/000000.jpg").read_bytes()
    assert len(whole) > 30000
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(whole[:20000])
    (folder / "b.jpg").write_bytes(whole)

    (complaint,) = detect_dir(ssd, folder, tmp_path / "out")
    assert "a.jpg cannot be read as a picture: it is a JPEG that was cut off" in complaint
    assert "1 of 2 pictures done" in capsys.readouterr().out
    assert not (tmp_path / "out/detection-results/a.txt").exists()
    with pytest.raises(CourseError, match="cut off"):
        detect_one(ssd, folder / "a.jpg", tmp_path / "one")
    assert not (tmp_path / "one").exists()


def test_a_cut_jpeg_ends_evaluate_and_pack(ssd, tmp_path):
    data = tmp_path / "data"
    (data / "images").mkdir(parents=True)
    (data / "ground-truth").mkdir()
    (data / "ground-truth/a.txt").write_text("red 64 32 96 64\n")
    whole = encoded("jpg", scene())
    (data / "images/a.jpg").write_bytes(whole[:-500])

    with pytest.raises(CourseError, match=r"a\.jpg .*cut off"):
        detect_folder(ssd, data)
    clip = KIT / "data/signs/street.mp4"
    if not clip.is_file():
        clip = next((KIT / "data").rglob("*.mp4"))
    with pytest.raises(CourseError, match=r"a\.jpg .*cut off"):
        pack(ssd, "team", data, clip, tmp_path / "hand-ins")
    assert not (tmp_path / "hand-ins").exists()


def test_zeros_in_place_of_the_end_are_no_whole_jpeg(tmp_path):
    """As a download leaves that took all its room in advance."""
    data = encoded("jpg", scene())
    half = len(data) // 2
    (tmp_path / "a.jpg").write_bytes(data[:half] + bytes(len(data) - half))
    with pytest.raises(CourseError, match="cut off"):
        read_image(tmp_path / "a.jpg")


def jpeg_variants():
    """Whole JPEGs whose structure is less usual."""
    picture = scene()
    plain = encoded("jpg", picture)
    thumbnail = encoded("jpg", picture[::8, ::8])
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 8) + b"Exif\0\0" + thumbnail
    return {
        "progressive": encoded("jpg", picture, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        "restart markers": encoded("jpg", picture, cv2.IMWRITE_JPEG_RST_INTERVAL, 3),
        "grey": encoded("jpg", picture[..., 0]),
        "thumbnail": plain[:2] + segment + plain[2:],
        "fill bytes": plain[:-2] + b"\xff\xff" + plain[-2:],
        "a second picture": plain + thumbnail,
        "a clip behind": plain + b"\0\0\0\x18ftypmp42" + bytes(1000),
        "newline behind": plain + b"\r\n",
    }


@pytest.mark.parametrize("variant", sorted(jpeg_variants()))
def test_unusual_jpegs_are_whole_until_they_are_cut(tmp_path, variant):
    data = jpeg_variants()[variant]
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    assert np.array_equal(read_image(path), cv2.imread(str(path)))

    end = data.rindex(b"\xff\xd9")
    if variant == "a second picture":
        end = len(encoded("jpg", scene())) - 2
    path.write_bytes(data[: end - 100])
    with pytest.raises(CourseError, match="cut off"):
        read_image(path)


def test_a_pam_is_refused_for_its_colours_come_out_wrong(tmp_path):
    head = b"P7\nWIDTH 40\nHEIGHT 30\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n"
    path = tmp_path / "a.pam"
    path.write_bytes(head + bytes(range(200)) * 18)
    with pytest.raises(CourseError, match="cannot be read as a picture"):
        read_image(path)


@pytest.mark.parametrize("folder", [KIT / "data", SHARED / "data"])
def test_no_whole_picture_is_refused(folder):
    """The kit's own pictures, and other people's where there are some."""
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix in (".jpg", ".png")]
    if not paths:
        pytest.skip(f"no pictures in {folder}")

    from trt_course.media.picture_facts import picture_facts
    from trt_course.media.picture_formats import picture_format

    for path in paths:
        data = path.read_bytes()
        facts = picture_facts(data, picture_format(data))
        assert facts.whole, path
        assert facts.width * facts.height > 1000, path
    for path in paths[::20]:
        assert np.array_equal(read_image(path), cv2.imread(str(path))), path


# Too many pixels


def test_too_many_pixels_are_refused_before_decoding(tmp_path, monkeypatch):
    path = tmp_path / "small.png"
    path.write_bytes(black_png(12000, 9000))
    assert path.stat().st_size < 200000

    monkeypatch.setattr(cv2, "imdecode", None)
    with pytest.raises(CourseError) as seen:
        read_image(path)
    assert "small.png claims to be 12000 x 9000 pixels; at most 100 million" in str(seen.value)


def test_many_pixels_that_are_not_too_many(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(black_png(6000, 5000))
    assert read_image(path).shape == (5000, 6000, 3)


# Odd names


def test_names_that_are_not_utf8(cells, tmp_path):
    """In a process of its own, for OpenCV 5 would take pytest with it."""
    folder = os.fsencode(str(tmp_path / "in"))
    os.mkdir(folder)
    names = [b"caf\xe9.jpg", b"\xff\xfe", b"z\xed\xa0\x80.png", b"plain.jpg"]
    for name in names:
        try:
            with open(os.path.join(folder, name), "wb") as stream:
                stream.write(encoded("jpg", scene()))
        except OSError:
            pytest.skip("this file system takes only names in UTF-8")

    command = [sys.executable, "-m", "trt_course", "detect", folder, "--model", str(cells)]
    done = subprocess.run(
        [*command, "--backend", "cpu", "--out", os.fsencode(str(tmp_path / "out"))],
        cwd=str(KIT),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"4 of 4 pictures done" in done.stdout
    for kind, ending in ((b"pictures", b".jpg"), (b"detection-results", b".txt")):
        written = os.listdir(os.path.join(os.fsencode(str(tmp_path / "out")), kind))
        seen = {name for name in written if not name.startswith(b".")}
        assert seen == {os.path.splitext(name)[0] + ending for name in names}


def test_a_name_that_leaves_no_room_for_its_results(ssd, tmp_path, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    picture = encoded("jpg", scene())
    longest = "x" * 251 + ".jpg"
    too_long = "y" * 252
    for name in ("a.jpg", "w" * 245 + ".jpg", longest, too_long):
        (folder / name).write_bytes(picture)

    out = tmp_path / "out"
    (complaint,) = detect_dir(ssd, folder, out)
    assert f"{too_long} would have names longer than 255 bytes" in complaint
    assert "3 of 4 pictures done" in capsys.readouterr().out
    assert (out / "detection-results" / (longest[:-4] + ".txt")).is_file()
    assert (out / "pictures" / longest).is_file()
    rows = json.loads((out / "detections.json").read_text())
    assert {row["image_id"] for row in rows} == {1, 2, 3}


def test_a_result_that_is_no_jpeg_does_not_end_the_folder(ssd, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.png").write_bytes(encoded("png", np.zeros((4, 70000, 3), np.uint8)))
    (folder / "b.png").write_bytes(encoded("png", scene()))
    out = tmp_path / "out"
    (complaint,) = detect_dir(ssd, folder, out)
    assert "a.jpg cannot be written" in complaint
    assert "70000 x 4" in complaint
    assert (out / "pictures/b.jpg").is_file()
    assert (out / "detection-results/a.txt").is_file()


def test_hidden_files_are_no_pictures(tmp_path, monkeypatch):
    (tmp_path / "a.jpg").write_bytes(encoded("jpg", scene()))
    (tmp_path / "._a.jpg").write_bytes(b"what a Mac leaves beside each file")
    (tmp_path / ".b.jpg").write_bytes(encoded("jpg", scene()))
    assert images_in(tmp_path) == [tmp_path / "a.jpg"]
    assert images_in(tmp_path / "*") == [tmp_path / "a.jpg"]
    with pytest.raises(CourseError, match="holds no pictures"):
        images_in(tmp_path / "._*")
    assert read_image(tmp_path / ".b.jpg").shape == (240, 320, 3)  # who names it means it


def test_an_ending_that_is_no_kind_of_picture(tmp_path):
    with pytest.raises(
        CourseError, match=r"a\.docx cannot be written: OpenCV .* cannot write '\.docx'"
    ):
        write_image(tmp_path / "a.docx", scene())
    assert list(tmp_path.iterdir()) == []


# Kinds of files


@pytest.mark.parametrize("ending", ENDINGS)
def test_kinds_are_told_by_content(tmp_path, ending):
    picture = scene()
    data = encoded(ending, picture)
    names = [f"right.{ending}", f"upper.{ending.upper()}", "none", "wrong.png", "other.docx"]
    for name in names:
        (tmp_path / name).write_bytes(data)
    (tmp_path / "notes.txt").write_text("BMW, P6 and GIF are words.")
    (tmp_path / "rows.csv").write_text("P1 x\n")
    (tmp_path / "empty").write_bytes(b"")

    paths = images_in(tmp_path)
    assert [path.name for path in paths] == sorted(names)
    for path in paths:
        image = read_image(path)
        assert image.dtype == np.uint8
        assert image.shape == picture.shape
        assert np.abs(image.astype(int) - picture).mean() < 30, path  # a GIF has few colours


def turned(data, orientation):
    """A JPEG with the orientation in its EXIF."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + bytes(4)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]


def test_depths_colours_and_turns_come_out_as_bgr(tmp_path):
    picture = scene()
    wide = picture.astype(np.uint16) * 257
    alpha = np.dstack([picture, np.full(picture.shape[:2], 90, np.uint8)])
    grey = picture[..., 1]
    cases = {
        "wide.png": (encoded("png", wide), picture),
        "wide.tif": (encoded("tif", wide), picture),
        "wide.ppm": (encoded("ppm", wide), picture),
        "alpha.png": (encoded("png", alpha), picture),
        "grey.png": (encoded("png", grey), np.dstack([grey] * 3)),
        "grey.pgm": (encoded("pgm", grey), np.dstack([grey] * 3)),
        "turned.jpg": (
            turned(encoded("jpg", picture), 6),
            cv2.rotate(picture, cv2.ROTATE_90_CLOCKWISE),
        ),
    }
    for name, (data, wanted) in cases.items():
        (tmp_path / name).write_bytes(data)
        image = read_image(tmp_path / name)
        assert image.dtype == np.uint8, name
        assert image.shape == wanted.shape, name
        assert np.abs(image.astype(int) - wanted).mean() < 5, name
        assert np.array_equal(image, cv2.imread(str(tmp_path / name))), name


def test_files_that_pillow_makes(tmp_path):
    """Palettes, CMYK, compressed TIFF, animated GIF: what OpenCV does not write itself."""
    Image = pytest.importorskip("PIL.Image")
    rgb = Image.fromarray(np.ascontiguousarray(scene()[..., ::-1]))
    rgb.convert("P").save(str(tmp_path / "palette.png"))
    rgb.convert("P").save(str(tmp_path / "palette.bmp"))
    rgb.convert("1").save(str(tmp_path / "bits.bmp"))
    rgb.convert("CMYK").save(str(tmp_path / "cmyk.jpg"))
    rgb.save(str(tmp_path / "lzw.tif"), compression="tiff_lzw")
    rgb.save(str(tmp_path / "alpha.webp"), lossless=True, exif=b"Exif\0\0")
    for name in ("palette.png", "palette.bmp", "bits.bmp", "cmyk.jpg", "lzw.tif", "alpha.webp"):
        path = tmp_path / name
        assert np.array_equal(read_image(path), cv2.imread(str(path))), name

        data = path.read_bytes()
        path.write_bytes(data[: len(data) * 2 // 3])
        with pytest.raises(CourseError, match="cannot be read as a picture"):
            read_image(path)

    rgb.save(str(tmp_path / "turned.tif"), tiffinfo={0x0112: 6})  # OpenCV 5 reads it by no name
    upright = cv2.rotate(scene(), cv2.ROTATE_90_CLOCKWISE)
    assert np.array_equal(read_image(tmp_path / "turned.tif"), upright)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_avif_is_turned_as_its_properties_say(tmp_path, orientation):
    """OpenCV leaves it as it lies."""
    Image = pytest.importorskip("PIL.Image")
    encoded("avif", scene())  # skips where OpenCV knows none
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = Image.fromarray(np.ascontiguousarray(scene()[..., ::-1]))

    # PNG has the orientation in its EXIF, which OpenCV knows; for AVIF Pillow takes it from there.
    lying.save(str(tmp_path / "a.png"), exif=exif)
    try:
        lying.save(str(tmp_path / "a.avif"), exif=exif)
    except (KeyError, ValueError):
        pytest.skip("this Pillow writes no AVIF")
    wanted = read_image(tmp_path / "a.png")
    found = read_image(tmp_path / "a.avif")
    assert found.shape == wanted.shape
    assert np.abs(found.astype(int) - wanted).mean() < 5


def test_an_iphones_heic_is_named(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500))
    with pytest.raises(CourseError, match="is HEIC, which OpenCV does not read; save it as JPEG"):
        read_image(tmp_path / "a.jpg")


# What is in folders besides


def test_pipes_links_and_folders_among_pictures(tmp_path):
    """Nothing waits for a pipe's writer; what has a picture's name is not passed over."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(encoded("jpg", scene()))
    (folder / "linked").symlink_to(folder / "a.jpg")
    (folder / "lost.jpg").symlink_to(tmp_path / "gone.jpg")
    (folder / "lost").symlink_to(tmp_path / "gone")
    (folder / "round").symlink_to(folder / "round")
    (folder / "sub.jpg").mkdir()
    (folder / "closed").mkdir()
    os.mkfifo(str(folder / "pipe"))
    os.mkfifo(str(folder / "pipe.jpg"))

    names = [path.name for path in images_in(folder)]
    assert names == ["a.jpg", "linked", "lost.jpg", "pipe.jpg"]
    assert read_image(folder / "linked").shape == (240, 320, 3)
    with pytest.raises(CourseError, match=r"There is no file .*lost\.jpg"):
        read_image(folder / "lost.jpg")
    with pytest.raises(CourseError, match=r"pipe\.jpg is not a regular file"):
        read_image(folder / "pipe.jpg")


def test_only_the_first_bytes_of_other_files_are_read(tmp_path):
    """A listing of large files takes no longer than one of small ones: they are sparse here."""
    (tmp_path / "a.png").write_bytes(encoded("png", scene()))
    for name in ("large", "large.bin"):
        with (tmp_path / name).open("wb") as stream:
            stream.truncate(1 << 40)
    assert [path.name for path in images_in(tmp_path)] == ["a.png"]


def test_a_file_longer_than_any_picture(tmp_path, monkeypatch):
    monkeypatch.setattr("trt_course.media.pictures._MOST_FILE_BYTES", 1 << 20)
    with (tmp_path / "a.jpg").open("wb") as stream:
        stream.write(b"\xff\xd8\xff")
        stream.truncate(1 << 40)
    with pytest.raises(CourseError, match=r"a\.jpg is more than 1 MiB long"):
        read_image(tmp_path / "a.jpg")
