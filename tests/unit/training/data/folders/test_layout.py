"""What folders mean: splits, classes, neither."""

from unicodedata import normalize

import pytest

from model.errors import TrazoError
from training.data.folders.layout import find_layout


def layout(counts, *args, **options):
    return find_layout({tuple(k.split("/")) if k else (): n for k, n in counts.items()}, *args, **options)


def places(found):
    return {"/".join(folder): place for folder, place in found.places.items()}


def left_out(found):
    return {"/".join(folder): reason for folder, reason in found.left_out.items()}


@pytest.mark.parametrize(
    "names",
    [
        ("bus", "car", "train"),
        ("beaker", "flask", "test tube"),
        ("arduino", "dev board", "val d'isere"),
        ("$", "$$", "$$$"),
        ("日本", "a|b", "c`d"),
        ("eval", "x"),
    ],
)
def test_layout_class_folders_of_any_name_are_classes(names):
    found = layout(dict.fromkeys(names, 4))
    assert found.classes == tuple(sorted(names)) and found.places == {(name,): ("train", name) for name in names}


def test_layout_class_called_like_a_split_is_reported():
    assert "train: classes, not splits" in layout({"bus": 1, "train": 1}).decision
    assert "not splits" not in layout({"bus": 1, "training area": 1}).decision


@pytest.mark.parametrize(
    ("train", "test"),
    [("train", "test"), ("Training", "TEST"), ("training_set", "test_set"), ("train-images", "Test Images")],
)
def test_layout_split_folders_are_splits(train, test):
    found = layout({f"{train}/cat": 3, f"{train}/dog": 2, f"{test}/cat": 2, f"{test}/dog": 1})
    assert found.classes == ("cat", "dog")
    assert places(found)[f"{train}/dog"] == ("train", "dog") and places(found)[f"{test}/cat"] == ("test", "cat")


def test_layout_validation_words_are_one_split_unless_two_are_there():
    folders = {f"{split}/{name}": 2 for split in ("train", "val") for name in ("cat", "dog")}
    assert places(layout(folders))["val/cat"] == ("validation", "cat")
    assert places(layout({**folders, "dev/cat": 2}))["dev/cat"] == ("dev", "cat")


def test_layout_splits_below_classes_are_splits():
    found = layout({"cat/train": 3, "cat/test": 2, "dog/train": 2, "dog/test": 3})
    assert found.classes == ("cat", "dog") and places(found)["dog/test"] == ("test", "dog")


def test_layout_test_folder_without_classes_is_left_out():
    found = layout({"train/cat": 3, "train/dog": 2, "test": 40})
    assert found.classes == ("cat", "dog") and set(places(found)) == {"train/cat", "train/dog"}
    assert left_out(found) == {"test": "images in test, a split without labels, as it has no folders of the classes"}
    same = layout({"train/a/images": 5, "train/b/images": 5, "val/images": 9})  # of one level more
    assert same.classes == ("a", "b") and "a split without labels" in left_out(same)["val/images"]


@pytest.mark.parametrize("counts", [{"train": 3, "test": 2}, {"": 4}, {"": 1, "cat": 3}, {"a/b/c": 9}, {"train": 5}])
def test_layout_without_class_folders_has_no_classes(counts):
    assert layout(counts).classes == () and {label for _, label in layout(counts).places.values()} == {None}


@pytest.mark.parametrize("wrapper", ["data/", "a/b/"])
def test_layout_folder_around_all_means_nothing(wrapper):
    found = layout({f"{wrapper}cat": 30, f"{wrapper}dog": 20, "": 2, "preview": 1})
    assert found.classes == ("cat", "dog") and set(left_out(found)) == {"", "preview"}
    found = layout({f"{wrapper}{split}/{name}": 2 for split in ("train", "test") for name in ("cat", "dog")})
    assert places(found)[f"{wrapper}test/dog"] == ("test", "dog")


def test_layout_nearest_folder_that_tells_is_the_class():
    assert layout({"cat/images": 3, "dog/images": 2}).classes == ("cat", "dog")
    found = layout({"2020/cat": 3, "2020/dog": 2, "2021/cat": 2, "2021/dog": 3})
    assert found.classes == ("cat", "dog") and "2020, 2021; if they are the classes" in str(found)
    assert layout({"2020/cat": 3, "2020/dog": 2, "2021/cat": 2}, "outer").classes == ("2020", "2021")


def test_layout_stray_images_are_left_out_with_reason():
    found = layout({"": 1, "cat": 3, "dog": 2, "dog/cropped": 2, "notes/old": 1})
    assert found.classes == ("cat", "dog") and left_out(found) == {
        "": "images next to the class folders",
        "dog/cropped": "images at another depth than the rest",
        "notes/old": "images at another depth than the rest",
    }


def test_layout_class_at_another_depth_is_error():
    with pytest.raises(TrazoError, match=r"images in bird lie at another depth than .* such as cat, .*--layout outer"):
        layout({"cat": 30, "dog": 20, "bird/a": 2, "bird/b": 2})
    assert layout({"cat": 30, "dog": 20, "bird/a": 2, "bird/b": 2}, "outer").classes == ("bird", "cat", "dog")


@pytest.mark.parametrize(
    "counts",
    [
        {"train/steam": 30, "train/diesel": 20, "bus": 9, "car": 9},
        {"train/cat": 3, "train/dog": 2, "test/cat": 2, "other/x": 2},
    ],
)
def test_layout_split_or_class_uncertain_is_asked(counts):
    with pytest.raises(TrazoError, match=r"train.* could be a split, .*, or a class, like .*--layout splits"):
        layout(counts)
    assert set(layout(counts, "splits").classes) < {name.split("/")[-1] for name in counts}
    assert layout(counts, "outer").classes == tuple(sorted({name.split("/")[0] for name in counts}))


@pytest.mark.parametrize(
    "names",
    [
        ("train_cat", "train_dog", "test_cat", "test_dog"),
        ("Cat TRAIN", "Cat-val", "dog"),
        ("train_0", "test_0", "train_1", "test_1"),
        ("train_clean/cat", "train_clean/dog", "test_clean/cat", "test_clean/dog"),
    ],
)
def test_layout_split_and_class_in_one_name_is_asked(names):
    counts = dict.fromkeys(names, 3)
    with pytest.raises(TrazoError, match=r"could be splits of one class, .*rename .*--layout classes"):
        layout(counts)
    assert set(layout(counts, "classes").classes) == {name.split("/")[-1] for name in names}


@pytest.mark.parametrize("names", [("train", "test track", "trains"), ("model train", "model tests", "eval board")])
def test_layout_split_word_in_one_class_only_is_not_asked(names):
    assert layout(dict.fromkeys(names, 3)).classes == tuple(sorted(names))


def test_layout_split_below_only_some_classes_is_asked():
    counts = {"cat/train": 3, "cat/test": 2, "dog/train": 2, "dog/test": 3, "dog/more": 2}
    with pytest.raises(TrazoError, match="test, train could be splits of cat, dog, or classes like more"):
        layout(counts)
    assert layout(counts, "outer").classes == ("cat", "dog")
    assert layout(counts, "classes").classes == ("more", "test", "train")
    assert layout({"2020/train": 3, "2020/bus": 3, "2021/bus": 3}).classes == ("bus", "train")


@pytest.mark.parametrize(
    "names",
    [
        ("benign/p1", "benign/p2", "malignant/p3", "malignant/p4"),
        ("animals/cat", "animals/dog", "plants/oak"),
        ("cat/2020", "cat/2021", "dog/2020", "dog/2021"),
        ("train/cat/a", "train/cat/b", "train/dog/c", "test/cat/a", "test/dog/c"),
    ],
)
def test_layout_two_levels_of_names_that_may_be_classes_are_asked(names):
    counts = dict.fromkeys(names, 3)
    with pytest.raises(TrazoError, match=r"classes could be the folders \w+, \w+, or those in them .*--layout outer"):
        layout(counts)
    outer, nearest = layout(counts, "outer").classes, layout(counts, "classes").classes
    assert set(nearest) == {name.split("/")[-1] for name in names} and len(outer) == 2


def test_layout_two_levels_below_splits_are_asked_with_a_choice_that_keeps_the_splits():
    counts = dict.fromkeys(("train/cat/a", "train/cat/b", "train/dog/c", "test/cat/a", "test/dog/c"), 3)
    with pytest.raises(TrazoError, match=r"--layout outer \(.*\) or splits \("):
        layout(counts)
    for choice, classes in (("outer", ("cat", "dog")), ("splits", ("a", "b", "c"))):
        found = layout(counts, choice)
        assert found.classes == classes and {split for split, _ in found.places.values()} == {"train", "test"}


def test_layout_split_with_class_folders_of_other_names_is_error():
    counts = {"train/cat": 3, "train/dog": 3, "test/Cat": 3, "test/Dog": 3}
    with pytest.raises(TrazoError, match=r"folders of split test \(Cat, Dog\) are none of the classes .*\(cat, dog\)"):
        layout(counts)
    one = layout({"train/cat": 3, "train/dog": 3, "test/images": 3})  # a usual place of images without labels
    assert one.classes == ("cat", "dog") and set(left_out(one)) == {"test/images"}


def test_layout_classes_at_different_depths_name_the_option():
    counts = {"cat": 40, "dog/husky": 20, "dog/poodle": 20}
    assert layout(counts).classes == () and "--layout outer" in layout(counts).notes[0]
    assert layout(counts, "outer").classes == ("cat", "dog")
    assert layout({"": 4}).notes == ()


def test_layout_splits_of_the_same_classes_are_never_merged():
    found = layout({"train/cat": 3, "train/dog": 2, "test/cat": 2, "test/dog": 2, "field/cat": 4, "unlabeled": 9})
    assert {split for split, _ in found.places.values()} == {"train", "test", "field"}
    assert set(left_out(found)) == {"unlabeled"}


def test_layout_class_missing_in_a_split_is_reported():
    found = layout({"train/cat": 3, "train/dog": 2, "test/cat": 2, "test/fox": 1})
    assert found.classes == ("cat", "dog") and found.notes == ("split test has no images of dog",)
    assert left_out(found) == {"test/fox": "images of classes that the training split does not have"}


def test_layout_numbers_are_sorted_as_numbers():
    assert layout(dict.fromkeys(["10", "9", "0", "1"], 1)).classes == ("0", "1", "9", "10")
    assert layout(dict.fromkeys(["10", "9", "x"], 1)).classes == ("10", "9", "x")


def test_layout_names_equal_in_unicode_are_one_class_and_reported():
    found = layout({normalize("NFD", "café"): 1, "café": 2, "Cat": 1, "cat": 1})
    assert found.classes == ("Cat", "café", "cat")
    assert "2 folders are called 'café'" in found.notes[0] and "'Cat' and 'cat' differ only in case" in found.notes[1]


def test_layout_class_without_usable_image_is_error():
    unusable = {("bird",): "30 .cr2 files", ("cat", "raw"): "no files that can be read"}
    with pytest.raises(TrazoError, match=r"without an image that can be used: bird \(30 \.cr2 files\);"):
        layout({"cat": 3, "dog": 2}, unusable=unusable)
    # In the test split alone a class does not vanish.
    counts = {f"{split}/{name}": 2 for split in ("train", "test") for name in ("cat", "dog")}
    assert layout(counts, unusable={("test", "cat"): "x"}).classes == ("cat", "dog")
    with pytest.raises(TrazoError, match="class folders without .* train/bird"):
        layout(counts, unusable={("train", "bird"): "x"})


def test_layout_split_without_usable_image_is_error():
    counts = {"data/train/cat": 3, "data/train/dog": 2}
    with pytest.raises(TrazoError, match=r"split folders without an image that can be used: data/Test \(9 \.dcm files"):
        layout(counts, unusable={("data", "Test"): "9 .dcm files"})
    assert layout(counts, unusable={("data", "docs"): "x", ("data", "training"): "x"}).classes == ("cat", "dog")


def test_layout_unknown_choice_is_error():
    with pytest.raises(TrazoError, match="a layout is splits, classes, outer, not 'x'"):
        layout({"cat": 1}, "x")
