import contextlib
import io
import resource
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from painlit.images.reading import JPEG_SCAN, UnreadableImageError, decode, read_bytes, read_image

NAME = Path("x.jpg")


def picture(mode: str = "RGB") -> Image.Image:
    rows, columns = np.mgrid[:36, :48]
    colours = np.stack([rows * 7, columns * 5, 255 - columns * 5], axis=-1).astype(np.uint8)
    return Image.fromarray(colours).convert(mode)


def encoded(image: Image.Image, kind: str = "JPEG", **options) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def with_thumbnail(data: bytes) -> bytes:
    """A JPEG with a smaller whole JPEG in its header, as cameras write it."""
    header = b"Exif\0\0" + encoded(picture().resize((12, 9)))
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(header) + 2) + header + data[2:]


JPEGS = {
    "baseline": encoded(picture(), quality=95),
    "progressive": encoded(picture(), quality=95, progressive=True),
    "grey": encoded(picture("L"), quality=95),
    "thumbnail": with_thumbnail(encoded(picture(), quality=95)),
}


@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_cut_anywhere_is_unreadable(tmp_path, kind: str):
    data, path = JPEGS[kind], tmp_path / "cut.jpg"
    path.write_bytes(data)
    assert read_image(path).shape == (36, 48, 3)
    for size in {1, 2, 3, *range(4, len(data), 41), data.rfind(JPEG_SCAN), len(data) - 2, len(data) - 1}:
        path.write_bytes(data[:size])
        with pytest.raises(UnreadableImageError, match=r"cut\.jpg"):
            read_image(path)


def test_a_cut_jpeg_is_noticed_without_decoding_it(tmp_path):
    data, path = JPEGS["thumbnail"], tmp_path / "cut.jpg"
    path.write_bytes(data[: data.rfind(JPEG_SCAN) + 40])
    with pytest.raises(UnreadableImageError, match=r"cut\.jpg is a JPEG cut short"):
        read_bytes(path)


def test_what_follows_the_end_of_a_jpeg_does_no_harm(tmp_path):
    path = tmp_path / "more.jpg"
    path.write_bytes(JPEGS["baseline"] + b"a maker's remark" + bytes(100))
    assert np.array_equal(read_image(path), decode(JPEGS["baseline"], path))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "PPM", "WEBP"])
def test_other_formats_cut_in_the_middle_are_unreadable(kind: str):
    data = encoded(picture(), kind)
    assert decode(data, NAME).shape == (36, 48, 3)
    for size in (20, len(data) // 2, len(data) - 5):
        with pytest.raises(UnreadableImageError):
            decode(data[:size], NAME)


@pytest.mark.parametrize(
    "data",
    [b"<html>404</html>", bytes(500), b"\xff\xd8\xff\xd9", b"\xff\xd8" + bytes(99), b"BM" + bytes(60)],
    ids=["web page", "zeros", "JPEG of nothing", "JPEG of zeros", "BMP of zeros"],
)
def test_what_is_no_image_is_unreadable(data: bytes):
    with pytest.raises(UnreadableImageError, match=r"x\.jpg is no image that can be decoded"):
        decode(data, NAME)


def test_a_header_that_claims_billions_of_pixels_is_unreadable():
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    for data in (png, b"P5 100000 100000 255\n"):
        with pytest.raises(UnreadableImageError, match=r"x\.jpg"):
            decode(data, NAME)


def test_empty_missing_and_folder_are_named(tmp_path):
    (tmp_path / "empty.jpg").touch()
    for path, why in (("empty.jpg", "is empty"), ("missing.jpg", "No such file"), ("", "Is a directory")):
        with pytest.raises(UnreadableImageError, match=why) as caught:
            read_image(tmp_path / path)
        assert str(tmp_path / path) in str(caught.value)


def test_the_content_determines_the_format_not_the_ending(tmp_path):
    path = tmp_path / "png_inside.jpg"
    path.write_bytes(encoded(picture(), "PNG"))
    assert np.array_equal(read_image(path), np.asarray(picture()))


@pytest.mark.parametrize("mode", ["L", "P", "1"])
def test_png_of_any_kind_becomes_rgb(mode: str):
    image = picture(mode)
    assert np.array_equal(decode(encoded(image, "PNG"), NAME), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pixels_lie_on_white(kind: str, mode: str):
    image = picture(mode)
    share = np.linspace(0, 1, 48)[None, :, None]
    image.putalpha(Image.fromarray(np.uint8(255 * np.repeat(share[..., 0], 36, axis=0))))
    found = decode(encoded(image, kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {})), NAME)
    on_white = share * np.asarray(picture(mode).convert("RGB")) + (1 - share) * 255
    assert np.abs(found - on_white).max() <= 2


def test_a_transparent_colour_of_a_palette_lies_on_white():
    image = Image.new("P", (8, 8), 1)
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.paste(0, (0, 0, 4, 8))
    for kind in ("PNG", "GIF"):
        found = decode(encoded(image, kind, transparency=0), NAME)
        assert (found[0, 0].tolist(), found[0, 7].tolist()) == ([255] * 3, [40, 50, 60])


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg_of_any_kind_becomes_rgb(mode: str):
    found = decode(encoded(picture(mode), quality=98, subsampling=0), NAME)
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - np.asarray(picture(mode).convert("RGB"), int)).max() < 12


def test_sixteen_bits_keep_the_upper_eight():
    values = (np.arange(36 * 48).reshape(36, 48) * 37).astype(np.uint16)
    found = decode(cv2.imencode(".png", values)[1].tobytes(), NAME)
    assert found.dtype == np.uint8
    assert np.abs(found - values[..., None] / 257).max() <= 1


TURNS = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: image.swapaxes(0, 1)[:, ::-1],
    7: lambda image: image.swapaxes(0, 1)[::-1, ::-1],
    8: lambda image: image.swapaxes(0, 1)[::-1],
}
"""What a viewer does with the stored pixels, by the EXIF standard's number."""


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "transparent PNG"])
def test_upright_is_as_displayed(orientation: int, kind: str):
    image = picture("RGBA" if " " in kind else "RGB")
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}, "AVIF": {"quality": 95}}.get(kind, {})
    data = encoded(image, kind.split()[-1], exif=exif, **options)
    found = decode(data, NAME, upright=True)
    expected = TURNS[orientation](np.asarray(picture(), int))
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 5
    if kind == "JPEG":
        half = decode(data, NAME, 2, upright=True)
        assert np.abs(half - expected[::2, ::2]).mean() < 8


@pytest.mark.parametrize("orientation", [3, 6, 8])
@pytest.mark.parametrize("reduction", [1, 2])
def test_pixels_stay_as_stored_whatever_the_orientation(orientation: int, reduction: int):
    exif = Image.Exif()
    exif[0x0112] = orientation
    plain, turned = encoded(picture(), quality=95), encoded(picture(), quality=95, exif=exif)
    assert np.array_equal(decode(turned, NAME, reduction), decode(plain, NAME, reduction))


@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
def test_a_reduced_jpeg_is_the_image_made_smaller(reduction: int):
    whole = decode(JPEGS["baseline"], NAME)
    found = decode(JPEGS["baseline"], NAME, reduction)
    assert found.shape == (-(-36 // reduction), -(-48 // reduction), 3)
    rows, columns = 36 // reduction, 48 // reduction
    blocks = whole[: rows * reduction, : columns * reduction].reshape(rows, reduction, columns, reduction, 3)
    assert np.abs(found[:rows, :columns] - blocks.mean(axis=(1, 3))).max() < 12


def enormous_png(width: int, height: int) -> bytes:
    """A PNG that claims a size, and has a line of it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    lines = zlib.compress(bytes(1 + 3 * width))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(32_000, 33_000), (12_000, 12_000), (2**20, 2**20)])
def test_an_image_of_too_many_pixels_is_unreadable_before_it_takes_memory(tmp_path, size):
    """32,000 x 33,000 pixels fit a file of 1 MB and take 12 GB."""
    path = tmp_path / "enormous.png"
    path.write_bytes(enormous_png(*size))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UnreadableImageError, match=r"enormous\.png has more than 134,217,728 pixels"):
        read_image(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kB"


def test_formats_that_pillow_does_not_know_are_decoded_all_the_same(tmp_path):
    path = tmp_path / "x.hdr"
    cv2.imwrite(str(path), np.ones((3, 4, 3), np.float32))
    with contextlib.suppress(UnreadableImageError):  # an OpenCV without this format
        assert read_image(path).shape == (3, 4, 3)


def damaged(data: bytes, at: float, how: str) -> bytes:
    """A JPEG that ends as it should, but whose data are damaged from a share of them on."""
    start = data.rfind(JPEG_SCAN) + 14
    place = start + int(at * (len(data) - 2 - start))
    if how == "ends early":
        return data[:place] + data[-2:]
    filling = {"zeros": bytes(9), "noise": np.random.default_rng(3).bytes(4000)}[how]
    count = min(4000, len(data) - 2 - place)
    return data[:place] + (filling * count)[:count] + data[place + count :]


@pytest.mark.parametrize("how", ["ends early", "zeros", "noise"])
@pytest.mark.parametrize("at", [0.05, 0.4, 0.6])
@pytest.mark.parametrize("reduction", [1, 2])
@pytest.mark.parametrize("orientation", [1, 2, 3, 6])
def test_a_jpeg_damaged_inside_is_unreadable(tmp_path, how: str, at: float, reduction: int, orientation: int):
    generator, path = np.random.default_rng(0), tmp_path / "damaged.jpg"
    image = Image.fromarray(cv2.resize(generator.integers(0, 256, (20, 30, 3), np.uint8), (600, 400)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(image, quality=90, exif=exif)
    path.write_bytes(data)
    assert decode(read_bytes(path), path, reduction, upright=True).size
    path.write_bytes(damaged(data, at, how))
    with pytest.raises(UnreadableImageError, match=r"damaged\.jpg is a JPEG with damaged data"):
        decode(read_bytes(path), path, reduction, upright=True)


def test_a_sound_jpeg_with_grey_corners_is_read(tmp_path):
    path, image = tmp_path / "grey.jpg", Image.new("RGB", (64, 64), (128, 128, 128))
    image.paste(picture().resize((30, 30)), (17, 17))
    for options in ({}, {"progressive": True}, {"optimize": True}):
        path.write_bytes(encoded(image, quality=90, **options))
        assert (read_image(path)[[0, -1], [0, -1]] == 128).all()


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "BMP", "AVIF", "WEBP", "PPM", "JPEG"])
def test_formats_are_recognised_by_content(kind: str):
    image = picture()
    found = decode(encoded(image, kind), NAME).astype(int)
    assert np.abs(found - np.asarray(image)).mean() < (30 if kind == "GIF" else 4)


@pytest.mark.parametrize("package", [True, False])
def test_heic_needs_a_package_which_is_named(monkeypatch, package: bool):
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    data = encoded(picture(), "HEIF", quality=95)
    if package:
        assert np.abs(decode(data, NAME, upright=True) - np.asarray(picture(), int)).mean() < 6
        return
    heif_openers = {name: Image.OPEN.pop(name) for name in list(Image.OPEN) if name == "HEIF"}
    monkeypatch.setattr("painlit.images.reading.heif_is_readable", lambda: False)
    try:
        with pytest.raises(UnreadableImageError, match="HEIC is read with the package pillow-heif"):
            decode(data, NAME)
    finally:
        Image.OPEN.update(heif_openers)
