"""Images: from every source to the same rows, prepared at training as at prediction."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image
from sklearn.preprocessing import StandardScaler

from cotune.data import Images, Room, fit, load, prepared, split
from cotune.data.images import pillow
from cotune.data.images.pictures import common_size
from cotune.data.images.rows import said
from cotune.data.prepare.fitting import from_json
from cotune.data.prepare.pipeline import Pipeline
from cotune.data.prepare.pixels import PixelPipeline
from cotune.errors import (
    ColumnError,
    DataError,
    ModelError,
    RecipeError,
    SourceError,
    SplitError,
    TargetError,
)
from cotune.recipe.schema import SplitSection
from cotune.types import Task
from study.pictures import CLASSES, archive, divided, folder, listed, pixels, save

SPLIT = SplitSection()


def frame_of(source: Any, **asked: Any) -> Images:
    dataset = load(source, **{"target": "y", **asked})
    assert isinstance(dataset.frame, Images)
    return dataset.frame


# Sources


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("form", [folder, listed, archive])
def test_every_source_gives_the_same_rows(form: Callable[..., Path], channels: int, tmp_path: Path) -> None:
    x, y = pixels(channels=channels)
    dataset = load(form(tmp_path, channels=channels), target="y")
    assert dataset.classes == CLASSES
    assert dataset.task is Task.MULTICLASS
    order = np.argsort(y, kind="stable") if form is folder else np.arange(len(y))
    np.testing.assert_array_equal(dataset.frame.pixels, x[order])
    np.testing.assert_array_equal(dataset.y, y[order])
    assert dataset.frame.words() == f"images of {said((8, 8, channels))}"
    assert [(c.name, c.kind) for c in dataset.columns if c.kind in ("image", "target")] == [
        ("path" if form is listed else "image", "image"),
        ("y", "target"),
    ]


@pytest.mark.parametrize("turn", [np.asarray, np.ndarray.tolist, pl.Series])
@pytest.mark.parametrize("axes", [3, 4])
def test_arrays_in_memory_are_images_by_their_axes(axes: int, turn: Callable[..., Any]) -> None:
    x, y = pixels()
    given = x[..., 0] if axes == 3 else x
    labels = turn(np.array(CLASSES)[y])
    dataset = load((given.tolist() if turn is np.ndarray.tolist else given, labels), target="y")
    np.testing.assert_array_equal(dataset.frame.pixels.astype(np.uint8), x)
    assert dataset.frame.whole is (turn is not np.ndarray.tolist), (
        "a list's numbers are not known to be bytes"
    )


def test_a_folder_with_x_and_y(tmp_path: Path) -> None:
    x, y = pixels()
    np.save(tmp_path / "X.npy", x)
    np.save(tmp_path / "y.npy", y)
    dataset = load(tmp_path, target="y")
    np.testing.assert_array_equal(dataset.frame.pixels, x)
    assert dataset.label_type == "int"


def test_two_axes_stay_a_table() -> None:
    x, y = pixels()
    assert isinstance(load((x.reshape(len(x), -1), y), target="y").frame, pl.DataFrame)


@pytest.mark.parametrize("dtype", [bool, np.int64, np.uint16, np.float16, np.float32, np.float64])
def test_numbers_that_are_no_bytes_become_floats(dtype: type) -> None:
    x, y = pixels()
    values = x.astype(dtype)
    frame = frame_of((values, y))
    assert frame.pixels.dtype == np.float32
    np.testing.assert_array_equal(frame.pixels, values.astype(np.float32))


def test_a_folder_s_names_are_classes_whatever_they_look_like(tmp_path: Path) -> None:
    x, _ = pixels(60)
    for row, image in enumerate(x):
        save(image, tmp_path / f"{row // 2}" / f"{row % 2}.png")
    dataset = load(tmp_path, target=None)
    assert dataset.task is Task.MULTICLASS
    assert dataset.classes == tuple(map(str, range(30)))
    assert dataset.label_type == "int"
    assert dataset.target == "class"
    ages = load(tmp_path, target="age", task="regression")
    assert ages.task is Task.REGRESSION
    assert sorted(set(ages.y)) == list(range(30))


def test_what_is_no_image_is_left_out_and_said(tmp_path: Path) -> None:
    folder(tmp_path / "d", rows=30)
    (tmp_path / "d" / "empty").mkdir()
    (tmp_path / "d" / ".cache").mkdir()
    (tmp_path / "d" / "left" / "notes.txt").write_text("x")
    (tmp_path / "d" / "left" / "._000.png").write_text("what macOS leaves")
    dataset = load(tmp_path / "d", target=None)
    assert dataset.rows == 30
    assert dataset.classes == CLASSES
    assert any("without images" in note and "empty" in note for note in dataset.notes)
    assert "1 file that does not end with .png, .jpg, .jpeg was left out" in dataset.notes
    (tmp_path / "d" / "right" / "more.txt").write_text("x")
    notes = load(tmp_path / "d", target=None).notes
    assert "2 files that do not end with .png, .jpg, .jpeg were left out" in notes


@pytest.mark.parametrize("limited", [False, True])
def test_an_archive_with_other_names_is_refused_with_both(limited: bool, tmp_path: Path) -> None:
    x, y = pixels()
    np.savez(tmp_path / "d.npz", images=x, labels=y)
    with pytest.raises(SourceError, match=r"X and y.*x_train.*d\.npz holds images, labels; save its arrays"):
        load(tmp_path / "d.npz", target="y", room=Room(1, tmp_path / "rows") if limited else None)


def test_a_table_s_other_columns_serve_the_split_or_are_left_out(tmp_path: Path) -> None:
    dataset = load(listed(tmp_path), target="y", group="site")
    assert {c.name: c.kind for c in dataset.columns} == {"path": "image", "y": "target", "site": "group"}
    grouped = split(dataset, SplitSection(method="group", group="site", folds=3), seed=0)
    assert not set(dataset.groups[grouped.test]) & set(dataset.groups[grouped.folds[0].train])
    without = load(tmp_path / "list.csv", target="y")
    assert {c.name: c.kind for c in without.columns}["site"] == "ignore"
    assert any("'site'" in note and "images are learned from alone" in note for note in without.notes)


def test_the_column_may_be_named(tmp_path: Path) -> None:
    path = listed(tmp_path)
    frame = pl.read_csv(path)
    frame.select("y", "site", picture=frame["path"].str.replace(".png", ".PNG", literal=True)).write_csv(path)
    for file in (tmp_path / "files").iterdir():
        file.rename(file.with_suffix(".PNG"))
    assert frame_of(path).column == "picture"
    assert frame_of(path, columns={"picture": "image"}).column == "picture"
    ignored = load(path, target="y", columns={"picture": "ignore"})
    assert isinstance(ignored.frame, pl.DataFrame)


def test_paths_in_a_frame_start_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pl.read_csv(listed(tmp_path))
    monkeypatch.chdir(tmp_path)
    expected = frame_of(tmp_path / "list.csv").pixels
    np.testing.assert_array_equal(frame_of(frame).pixels, expected)
    np.testing.assert_array_equal(frame_of(frame.to_pandas()).pixels, expected)


def test_a_column_of_names_without_files_is_no_image_column(tmp_path: Path) -> None:
    names = [f"{i % 4}.png" for i in range(40)]
    pl.DataFrame({"logo": names, "a": range(40), "y": ["no", "yes"] * 20}).write_csv(tmp_path / "t.csv")
    dataset = load(tmp_path / "t.csv", target="y")
    assert {c.name: c.kind for c in dataset.columns}["logo"] == "categorical"


def test_rows_without_a_target_are_left_out(tmp_path: Path) -> None:
    path = listed(tmp_path)
    frame = pl.read_csv(path).with_columns(y=pl.when(pl.int_range(pl.len()) == 4).then(None).otherwise("y"))
    frame.write_csv(path)
    (tmp_path / "files" / "004.png").unlink()
    dataset = load(path, target="y")
    np.testing.assert_array_equal(dataset.frame.pixels, np.delete(pixels()[0], 4, axis=0))
    assert "1 rows without a target were left out" in dataset.notes


# Test rows that the data brings


@pytest.mark.parametrize("settings", [{}, {"method": "kfold", "folds": 3}, {"repeats": 2}], ids=str)
def test_given_test_rows_are_the_study_s(settings: dict[str, Any], tmp_path: Path) -> None:
    dataset = load(divided(tmp_path), target=None)
    found = split(dataset, SplitSection(**settings), seed=3)
    np.testing.assert_array_equal(found.test, np.arange(70, 90))
    for fold in found.folds:
        assert fold.train.max() < 70
        assert fold.validation.max() < 70
    assert any("20 test rows" in note for note in found.notes)
    np.testing.assert_array_equal(dataset.frame.pixels, pixels()[0])


def test_given_test_rows_are_counted_without_those_that_have_no_target(tmp_path: Path) -> None:
    x, y = pixels()
    y = y.astype(float)
    y[[3, 80]] = np.nan
    np.savez(tmp_path / "d.npz", x_train=x[:70], y_train=y[:70, None], x_test=x[70:], y_test=y[70:, None])
    dataset = load(tmp_path / "d.npz", target=None)
    np.testing.assert_array_equal(dataset.test, np.arange(69, 88))
    assert split(dataset, SPLIT, seed=0).test.tolist() == list(range(69, 88))


@pytest.mark.parametrize("method", ["group", "time"])
def test_a_split_that_chooses_the_test_rows_itself_refuses_given_ones(method: str, tmp_path: Path) -> None:
    from dataclasses import replace

    rows = np.arange(90)
    dataset = replace(load(divided(tmp_path), target=None), groups=rows % 9, times=rows.astype(float))
    with pytest.raises(SplitError, match="own test rows"):
        split(dataset, SplitSection(method=method, folds=3), seed=0)


def test_other_test_rows_are_another_data_set(tmp_path: Path) -> None:
    one = load(divided(tmp_path, test=20), target=None).fingerprint
    assert load(divided(tmp_path, test=30), target=None).fingerprint != one
    assert load(divided(tmp_path, test=20), target=None).fingerprint == one
    x, y = pixels()
    x[5, 5, 5] ^= 1
    np.savez(tmp_path / "divided.npz", x_train=x[:70], y_train=y[:70], x_test=x[70:], y_test=y[70:])
    assert load(tmp_path / "divided.npz", target=None).fingerprint != one


# Sizes and colours


SIZES = [
    ({(28, 28): 9}, (28, 28)),
    ({(27, 31): 9}, (27, 31)),
    ({(27, 27): 5, (28, 28): 4}, (28, 28)),
    ({(20, 30): 5, (40, 50): 4, (60, 70): 4}, (40, 50)),
    ({(480, 640): 3}, (48, 64)),
    ({(1000, 10): 3}, (64, 4)),
    ({(2, 2): 3}, (4, 4)),
]


@pytest.mark.parametrize(("sizes", "expected"), SIZES, ids=str)
def test_the_common_size(sizes: dict[Any, int], expected: tuple[int, int]) -> None:
    assert common_size(sizes) == expected


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg"])
@pytest.mark.parametrize(("asked", "expected"), [("auto", (10, 12)), ((6, 9), (6, 9))])
def test_mixed_sizes_come_to_one(asked: Any, expected: Any, suffix: str, tmp_path: Path) -> None:
    shades = {"dark": 60, "light": 190}
    for label, shade in shades.items():
        for row in range(9):
            plain = np.full((8 + row // 3 * 2, 10 + row // 3 * 2, 3), shade, np.uint8)
            save(plain, tmp_path / label / f"{row}{suffix}")
    dataset = load(tmp_path, target=None, image_size=asked)
    assert dataset.frame.shape == (*expected, 3)
    for label, y in (("dark", 0), ("light", 1)):
        found = dataset.frame.pixels[dataset.y == y].astype(int)
        assert np.abs(found - shades[label]).max() <= 2, "a plain image stays plain at any size"
    assert any("from 8 × 10 to 12 × 14" in note for note in dataset.notes)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_arrays_are_brought_to_a_size_each_channel_by_itself(dtype: type) -> None:
    x, y = pixels(channels=2, side=16)
    plain = x.astype(dtype)
    plain[..., 1] = 7
    frame = frame_of((plain, y), image_size=(8, 8))
    assert frame.shape == (8, 8, 2)
    assert frame.pixels.dtype == dtype
    assert (frame.pixels[..., 1] == 7).all()
    means = plain[..., 0].reshape(len(x), 8, 2, 8, 2).mean(axis=(2, 4))
    assert np.corrcoef(frame.pixels[..., 0].ravel(), means.ravel())[0, 1] > 0.9


COLOURS: dict[str, tuple[Callable[[], Image.Image], list[int]]] = {
    "1": (lambda: Image.new("1", (8, 8), 1), [255]),
    "L": (lambda: Image.new("L", (8, 8), 77), [77]),
    "LA, half transparent": (lambda: Image.new("LA", (8, 8), (100, 127)), [178]),
    "I;16": (lambda: Image.fromarray(np.full((8, 8), 30_000, np.uint16)), [116]),
    "RGB": (lambda: Image.new("RGB", (8, 8), (9, 80, 200)), [9, 80, 200]),
    "RGBA, transparent": (lambda: Image.new("RGBA", (8, 8), (9, 80, 200, 0)), [255, 255, 255]),
    "RGBA, opaque": (lambda: Image.new("RGBA", (8, 8), (9, 80, 200, 255)), [9, 80, 200]),
    "P": (lambda: Image.new("RGB", (8, 8), (9, 80, 200)).quantize(4), [9, 80, 200]),
}


@pytest.mark.parametrize("mode", COLOURS)
def test_colours_come_to_grey_or_rgb(mode: str, tmp_path: Path) -> None:
    make, expected = COLOURS[mode]
    for row in range(12):
        (tmp_path / "ab"[row % 2]).mkdir(exist_ok=True)
        make().save(tmp_path / "ab"[row % 2] / f"{row}.png")
    pixels = load(tmp_path, target=None).frame.pixels
    assert pixels.shape == (12, 8, 8, len(expected))
    assert np.abs(pixels.astype(int) - expected).max() <= 1


def test_one_coloured_image_makes_all_coloured(tmp_path: Path) -> None:
    folder(tmp_path, rows=30)
    save(np.full((8, 8, 3), (200, 0, 0), np.uint8), tmp_path / "left" / "red.png")
    found = load(tmp_path, target=None).frame
    assert found.shape == (8, 8, 3)
    grey = (found.pixels[..., 0] == found.pixels[..., 1]).all(axis=(1, 2))
    assert grey.sum() == 30


def test_photographs_are_turned_upright(tmp_path: Path) -> None:
    picture = Image.new("RGB", (16, 8), (0, 0, 0))
    picture.paste((255, 255, 255), (0, 0, 8, 8))  # white at the left; turned right by 90°, it is on top
    exif = Image.Exif()
    exif[0x0112] = 6
    for label in "ab":
        (tmp_path / label).mkdir()
        for row in range(6):
            picture.save(tmp_path / label / f"{row}.jpg", exif=exif)
    found = load(tmp_path, target=None).frame
    assert found.shape == (16, 8, 3)
    assert found.pixels[:, :7].min() > 240
    assert found.pixels[:, 9:].max() < 15


# Preparation


def test_standard_pixels_are_those_of_scikit_learn() -> None:
    x, y = pixels(channels=3)
    dataset = load((x, y), target="y")
    rows = np.arange(0, 90, 2)
    pipeline = fit(dataset, rows, {})
    found = prepared(pipeline, dataset).numeric
    scaler = StandardScaler().fit(x[rows].reshape(-1, 3))
    expected = scaler.transform(x.reshape(-1, 3).astype(np.float64)).reshape(90, -1)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert len(pipeline.features) == found.shape[1] == 192
    assert found.dtype == np.float32


def test_unit_pixels_are_fractions() -> None:
    x, y = pixels()
    dataset = load((x, y), target="y")
    found = prepared(fit(dataset, np.arange(9), {"pixels": "unit"}), dataset).numeric
    np.testing.assert_array_equal(found, (x.reshape(90, -1) / 255).astype(np.float32))


@pytest.mark.parametrize("method", ["standard", "unit"])
def test_bytes_and_the_same_numbers_as_floats_are_prepared_alike(method: str) -> None:
    x, y = pixels(channels=3)
    rows = np.arange(90)  # with a 0 and a 255 among them
    both = [load((values, y), target="y") for values in (x, x.astype(np.float64))]
    one, other = (prepared(fit(d, rows, {"pixels": method}), d).numeric for d in both)
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def test_only_training_rows_teach() -> None:
    x, y = pixels()
    changed = x.copy()
    changed[60:] = 255 - changed[60:]
    beyond = np.where(np.arange(90)[:, None, None, None] < 60, x, 300.0 + changed)
    for values in ((x, changed), (x.astype(float), beyond)):
        one, other = (fit(load((v, y), target="y"), np.arange(60), {}) for v in values)
        assert one == other


def test_plain_channels_stay_finite() -> None:
    x, y = pixels(channels=3)
    for values in (x, x.astype(float)):
        values[..., 1] = 17
        dataset = load((values, y), target="y")
        assert np.isfinite(prepared(fit(dataset, np.arange(90), {}), dataset).numeric).all()
    flat = load((np.full((90, 8, 8), 0.1), y), target="y")
    assert (prepared(fit(flat, np.arange(90), {}), flat).numeric == 0).all()


@pytest.mark.parametrize("form", [folder, listed, archive, divided])
def test_rows_in_files_are_those_in_memory(form: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    source = form(tmp_path / "data", channels=3)
    plain = load(source, target="y")
    room = Room(1, tmp_path / "rows")
    stored = load(source, target="y", room=room)
    assert stored.frame.in_file
    assert (tmp_path / "rows" / "images" / "pixels.npy").exists()
    assert not (tmp_path / "rows" / "reading").exists()
    assert stored.fingerprint == plain.fingerprint
    one, other = (fit(d, np.arange(0, 90, 2), {}) for d in (plain, stored))
    assert one == other
    left, right = prepared(one, plain), prepared(other, stored)
    np.testing.assert_array_equal(left.numeric, right.numeric)
    assert right.mapped


def test_a_pipeline_survives_json() -> None:
    import json

    x, y = pixels(channels=3)
    dataset = load((x, y), target="y")
    pipeline = fit(dataset, np.arange(60), {"balance": "weights"})
    again = from_json(json.loads(json.dumps(pipeline.to_json())))
    assert again == pipeline
    assert again.class_weights is not None
    tree = pipeline.to_json()
    tree["state"]["mean"][0] += 1e-9
    with pytest.raises(ModelError, match="checksum"):
        from_json(tree)
    with pytest.raises(ModelError, match="format"):
        Pipeline.from_json(pipeline.to_json())


def test_it_is_said_in_sentences() -> None:
    x, y = pixels(channels=3)
    dataset = load((x, y), target="y")
    told = fit(dataset, np.arange(60), {"balance": "weights"}).describe()
    assert told[0] == "Images are 8 × 8 pixels, colour: 192 numbers each."
    assert "standard deviation 1" in told[1]
    assert "Classes weigh" in told[2]
    assert "0 to 1" in fit(dataset, np.arange(60), {"pixels": "unit"}).describe()[1]
    with pytest.raises(RecipeError, match=r"prepare\.pixels must be one of standard, unit"):
        fit(dataset, np.arange(60), {"pixels": "rainbow"})


def fitted(source: Any) -> tuple[PixelPipeline, np.ndarray]:
    """The preparation of a source, and what a network reads of its rows."""
    dataset = load(source, target="y")
    pipeline = fit(dataset, np.arange(0, dataset.rows, 2), {})
    assert isinstance(pipeline, PixelPipeline)
    return pipeline, prepared(pipeline, dataset).numeric


@pytest.mark.parametrize("form", [folder, listed, archive])
@pytest.mark.parametrize("side", [8, 70])
def test_new_images_are_prepared_as_at_training(form: Callable[..., Path], side: int, tmp_path: Path) -> None:
    """Also where they had to be resized."""
    source = form(tmp_path, rows=30, channels=3, side=side)
    pipeline, expected = fitted(source)
    found = pipeline.read(source)
    np.testing.assert_array_equal(pipeline.transform(found).numeric, expected)
    one = pipeline.transform(found[np.array([7])]).numeric
    np.testing.assert_array_equal(one, expected[7:8])


def test_new_images_in_other_forms_than_the_study_s(tmp_path: Path) -> None:
    home = folder(tmp_path / "d", channels=3)
    pipeline, expected = fitted(home)
    x, y = pixels(channels=3)
    order = np.argsort(y, kind="stable")
    for source in (x[order], tmp_path / "X.npy"):
        np.save(tmp_path / "X.npy", x[order])
        np.testing.assert_array_equal(pipeline.transform(pipeline.read(source)).numeric, expected)
    single = pipeline.read(home / "left" / "000.png")
    assert single.names == ("000.png",)
    np.testing.assert_array_equal(pipeline.transform(single).numeric, expected[:1])
    loose = tmp_path / "loose"
    loose.mkdir()
    for row in range(3):
        save(x[row], loose / f"{row}.png")
    found = pipeline.read(loose)
    assert found.names == ("0.png", "1.png", "2.png")
    np.testing.assert_array_equal(found.pixels, x[:3])
    table = pl.DataFrame({"whatever": [str(loose / "1.png")]})
    np.testing.assert_array_equal(pipeline.read(table).pixels, x[1:2])


def test_of_an_archive_with_test_images_those_are_new(tmp_path: Path) -> None:
    pipeline, expected = fitted(divided(tmp_path))
    found = pipeline.transform(pipeline.read(tmp_path / "divided.npz")).numeric
    np.testing.assert_array_equal(found, expected[70:])


def test_grey_studies_read_colour_files_and_the_other_way_round(tmp_path: Path) -> None:
    grey, _ = fitted(folder(tmp_path / "grey"))
    colour, _ = fitted(folder(tmp_path / "colour", channels=3))
    assert grey.read(tmp_path / "colour").shape == (8, 8, 1)
    pixels = colour.read(tmp_path / "grey").pixels
    assert (pixels[..., 0] == pixels[..., 2]).all()


# What cannot be used


@dataclass(frozen=True)
class Bad:
    build: Callable[[Path], Any]
    kind: type[Exception]
    says: tuple[str, ...]


def spoilt(*names: str, content: bytes = b"\x89PNG\r\n\x1a\nno more") -> Callable[[Path], Path]:
    """A folder of images of which some are damaged."""

    def build(home: Path) -> Path:
        folder(home / "d", rows=30)
        for name in names:
            (home / "d" / name).write_bytes(content)
        return home / "d"

    return build


def cut(home: Path) -> Path:
    """A folder with an image that ends in the middle."""
    folder(home / "d", rows=30, side=32)
    path = home / "d" / "left" / "003.png"
    path.write_bytes(path.read_bytes()[:-900])
    return home / "d"


def csv_without(*rows: int) -> Callable[[Path], Path]:
    """A table of images whose files are gone for some rows."""

    def build(home: Path) -> Path:
        path = listed(home)
        for row in rows:
            (home / "files" / f"{row:03d}.png").unlink()
        return path

    return build


def table(**columns: Any) -> Callable[[Path], Path]:
    """A table of images with some columns replaced."""

    def build(home: Path) -> Path:
        path = listed(home)
        pl.read_csv(path).with_columns(**{n: pl.Series(v) for n, v in columns.items()}).write_csv(path)
        return path

    return build


def nested(home: Path) -> Path:
    folder(home / "d" / "train", rows=30)
    folder(home / "d" / "test", rows=30)
    return home / "d"


def one_class(home: Path) -> Path:
    save(pixels()[0][0], home / "d" / "only" / "1.png")
    (home / "d" / "other").mkdir()
    return home / "d"


def loose(home: Path) -> Path:
    save(pixels()[0][0], folder(home / "d", rows=30) / "stray.png")
    return home / "d"


def flat(home: Path) -> Path:
    save(pixels()[0][0], home / "d" / "1.png")
    return home / "d"


def made(path: str) -> Callable[[Path], Path]:
    def build(home: Path) -> Path:
        (home / path).mkdir()
        return home / path

    return build


def npz(**arrays: Any) -> Callable[[Path], Path]:
    def build(home: Path) -> Path:
        np.savez(home / "t.npz", **arrays)
        return home / "t.npz"

    return build


def given(value: Any) -> Callable[[Path], Any]:
    return lambda _: value


X, Y = pixels()
HOLED = X.astype(float)
HOLED[17, 3, 3] = np.nan
HUGE = X.astype(float)
HUGE[17, 3, 3] = 1e300
SEVEN = [f"left/{3 * i:03d}.png" for i in range(7)]

BAD = {
    "an empty folder": Bad(made("d"), SourceError, ("is a directory", "one sub-folder for each class")),
    "one class": Bad(one_class, TargetError, ("at least two classes", "only only has images")),
    "no sub-folders": Bad(
        flat, SourceError, ("one sub-folder for each class", "holds 1 images itself", "CSV")
    ),
    "loose images": Bad(loose, SourceError, ("stray.png", "move them")),
    "folders of folders": Bad(
        nested, SourceError, ("folders of folders", "name the folder with the classes")
    ),
    "a damaged file": Bad(spoilt("left/003.png"), SourceError, ("left/003.png (", "mend or delete")),
    "a text file": Bad(spoilt("left/003.png", content=b"hello"), SourceError, ("003.png (it is no image)",)),
    "an empty file": Bad(spoilt("left/003.png", content=b""), SourceError, ("003.png (it is no image)",)),
    "many damaged files": Bad(spoilt(*SEVEN), SourceError, ("7 of 30", *SEVEN[:5], ", …")),
    "a cut file": Bad(cut, SourceError, ("003.png (", "truncated")),
    "a missing file": Bad(
        csv_without(4), ColumnError, ("'path'", "no file", "004.png in line 6 of", "relative to")
    ),
    "missing files": Bad(csv_without(*range(3, 10)), ColumnError, ("7 of 90", "007.png in line 9", ", …")),
    "an empty cell": Bad(
        table(path=["files/000.png", None, *[f"files/{i:03d}.png" for i in range(2, 90)]]),
        ColumnError,
        ("line 3 of", "is empty"),
    ),
    "two columns": Bad(
        table(more=[f"files/{i:03d}.png" for i in range(90)]),
        ColumnError,
        ("'path' and 'more'", "ignore"),
    ),
    "one label": Bad(table(y=["same"] * 90), TargetError, ("must vary", "'same'")),
    "no labels": Bad(table(y=[None] * 90), TargetError, ("must have values",)),
    "no such target": Bad(table(label=["a"] * 90, y=["b"] * 90), TargetError, ("vary",)),
    "X alone": Bad(npz(X=X), TargetError, ("need labels", "t.npz")),
    "an array alone": Bad(given(X), TargetError, ("need labels", "(X, y)")),
    "lengths": Bad(given((X, Y[1:])), SourceError, ("90 images and 89 labels",)),
    "lengths in a file": Bad(npz(X=X, y=Y[1:]), SourceError, ("90 images and 89 labels",)),
    "lengths of parts": Bad(
        npz(x_train=X, y_train=Y[1:], x_test=X, y_test=np.append(Y, 0)),
        SourceError,
        ("x_train and y_train", "90 and 89"),
    ),
    "unequal parts": Bad(
        npz(x_train=X, y_train=Y, x_test=X[:, :7], y_test=Y), SourceError, ("one shape", "(7, 8, 1)")
    ),
    "no test labels": Bad(npz(x_train=X, y_train=Y, x_test=X), SourceError, ("lacks y_test",)),
    "channels first": Bad(
        given((X.transpose(0, 3, 1, 2), Y)), SourceError, ("channels in front", "transpose(0, 2, 3, 1)")
    ),
    "nothing in it": Bad(given((X[:0], Y[:0])), SourceError, ("(0, 8, 8, 1)",)),
    "text": Bad(given((X.astype(str), Y)), SourceError, ("pixels must be numbers",)),
    "holes": Bad(given((HOLED, Y)), SourceError, ("finite", "row 17")),
    "huge numbers": Bad(given((HUGE, Y)), SourceError, ("finite", "row 17")),
    "few rows": Bad(given((X[:6], Y[:6])), TargetError, ("at least 10 rows",)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_images_are_refused_with_a_remedy(name: str, tmp_path: Path) -> None:
    bad = BAD[name]
    source = bad.build(tmp_path)
    with pytest.raises(DataError) as caught:
        load(source, target="y")
    assert type(caught.value) is bad.kind
    for words in bad.says:
        assert words in str(caught.value), str(caught.value)
    with pytest.raises(
        DataError
    ) as again:  # where rows lie in files, nothing else is said, and nothing is left
        load(source, target="y", room=Room(1, tmp_path / "rows"))
    assert str(again.value) == str(caught.value)
    assert not list((tmp_path / "rows").rglob("*.npy"))


def test_a_named_column_says_which_cell_is_empty(tmp_path: Path) -> None:
    path = table(path=["files/000.png", None, *[f"files/{i:03d}.png" for i in range(2, 90)]])(tmp_path)
    with pytest.raises(ColumnError, match=r"line 3 of .* is empty"):
        load(path, target="y", columns={"path": "image"})


@pytest.mark.parametrize(
    "asked", [{"group": "site"}, {"time": "when"}, {"columns": {"a": "numeric"}}], ids=str
)
def test_a_folder_has_no_columns(asked: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ColumnError, match="has no columns"):
        load(folder(tmp_path), target="y", **asked)


NEW = {
    "no images": (made("d"), SourceError, ("no images in",)),
    "no such folder": (lambda home: home / "none", SourceError, ("there is no file",)),
    "a damaged file": (spoilt("left/003.png"), SourceError, ("003.png",)),
    "a flat table": (given(X.reshape(90, -1)), SourceError, ("[row height width]", "reshape")),
    "more channels": (given(np.repeat(X, 3, axis=3)), SourceError, ("1 channels", "has 3")),
    "fractions": (given(X / 255), SourceError, ("0 to 255", "multiply them by 255")),
    "a table without paths": (given(pl.DataFrame({"a": [1.0]})), ColumnError, ("paths of images",)),
}


@pytest.mark.parametrize("name", NEW)
def test_new_images_that_cannot_be_read_are_refused(name: str, tmp_path: Path) -> None:
    pipeline, _ = fitted((X, Y))
    build, kind, says = NEW[name]
    with pytest.raises(DataError) as caught:
        pipeline.read(build(tmp_path))
    assert type(caught.value) is kind
    for words in says:
        assert words in str(caught.value), str(caught.value)


def test_studies_of_fractions_refuse_bytes(tmp_path: Path) -> None:
    pipeline, expected = fitted(((X / 255).astype(np.float32), Y))
    with pytest.raises(SourceError, match="divide them by 255"):
        pipeline.read(X)
    with pytest.raises(SourceError, match=r"arrays of numbers from 0 to 0\.\d+, but .* has image files"):
        pipeline.read(folder(tmp_path))
    np.testing.assert_array_equal(
        pipeline.transform(pipeline.read((X / 255).astype(np.float32))).numeric, expected
    )


@pytest.fixture
def _no_pillow(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in [n for n in sys.modules if n.split(".")[0] == "PIL"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "PIL", None)
    pillow._pillow.cache_clear()
    yield
    pillow._pillow.cache_clear()


@pytest.mark.usefixtures("_no_pillow")
def test_without_pillow_arrays_work_and_files_say_how_to_install_it(tmp_path: Path) -> None:
    assert load((X, Y), target="y").rows == 90
    for row in range(12):
        path = tmp_path / "ab"[row % 2] / f"{row}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"whatever")
    sources: list[tuple[Any, Any]] = [(tmp_path, "auto"), ((X, Y), (6, 6))]
    for source, size in sources:
        with pytest.raises(SourceError, match=r"pip install 'cotune\[images\]'"):
            load(source, target="y", image_size=size)
