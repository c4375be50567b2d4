"""Models made to harm: each is refused in one line, before memory or disk is spent, and nothing in it is executed.

The tables of `docs/loading-safely.md` say what is answered; each of their rows is made and loaded here, from a folder
and from the loopback Hub.
"""

import json
import os
import pickle
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import model.cnn
from model import CnnConfig, CnnModel, ModelError
from model.io.locate import locate_model
from tests.conftest import ROOT
from tests.support.fake_hub import Blob, Fault, LoopbackHub
from tests.support.load_process import Loader, memory_of

PAGE = ROOT / "docs" / "loading-safely.md"
SMALL = CnnConfig(filters=(4,), dense_units=(8,))
CONFIG, WEIGHTS = "trazo.json", "model.safetensors"
MARK = "executed"  # a file that the hostile code makes in the working directory
MAX_MEMORY_BYTES = (
    64 << 20
)  # bytes that a refusal may take: huggingface_hub holds some pieces of 10 MB when it downloads


class Row(NamedTuple):
    what: str
    answer: str  # `…` stands for any text, MODEL for the folder or the repo, HUB for the address of the Hub
    fetched: str  # from the Hub, before the answer; "–" where there is no such thing on the Hub

    @property
    def loads(self) -> bool:
        return self.answer.startswith("loaded")

    def check(self, answer: str) -> None:
        assert answer.isprintable() and len(answer) < 2100
        if self.loads:
            assert answer == "loaded"
        else:
            pattern = ".*".join(map(re.escape, self.answer.strip("`").split("…")))
            assert re.fullmatch(pattern, answer), f"{answer}\n{self.answer}"


CELLS = re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
ROWS = [Row(*cells) for cells in CELLS if cells[0] != "what"]
FOLDERS: dict[str, Callable[[Path], None]] = {}  # what is in a row -> what makes a folder of a good model so
REPOS: dict[str, Callable[[LoopbackHub, str], None]] = {}  # the same, of a repo


def folder(what: str) -> Callable:
    return lambda make: FOLDERS.setdefault(what, make)


def repo(what: str) -> Callable:
    return lambda make: REPOS.setdefault(what, make)


# ---- files that run code when they are loaded ----


class Payload:
    def __reduce__(self) -> tuple:
        return open, (MARK, "w")


def keras_with_a_lambda(path: Path) -> None:
    """Save it to a file, or to a folder as on the Hub."""
    import keras

    inputs = keras.Input((2,))
    hostile = eval(f"lambda x: open({MARK!r}, 'w') and x")
    network = keras.Model(inputs, keras.layers.Lambda(hostile)(inputs))
    keras.saving.save_model(network, path, zipped=not path.is_dir())
    Path(MARK).unlink()  # Keras calls a Lambda when it is added, too


@folder("pickles alone")
def _(folder: Path) -> None:
    (folder / CONFIG).unlink()
    (folder / WEIGHTS).unlink()
    for name in ("model.pkl", "pytorch_model.bin"):
        (folder / name).write_bytes(pickle.dumps(Payload()))


@folder("a `.keras` file with a Lambda instead of the weights")
def _(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    keras_with_a_lambda(folder / "model.keras")


@folder("a `.h5` file with a Lambda instead of the weights")
def _(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    keras_with_a_lambda(folder / "model.h5")


@folder("a pickle that is called model.safetensors")
def _(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(pickle.dumps(Payload()))


@folder("the same, padded to the right size")
def _(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(pickle.dumps(Payload()).ljust(30_000, b"."))


@folder("a good model with a pickle, a `.keras` file and Python code next to it")
def code_beside(folder: Path) -> None:
    (folder / "model.pkl").write_bytes(pickle.dumps(Payload()))
    keras_with_a_lambda(folder / "model.keras")
    (folder / "modeling.py").write_text(f"open({MARK!r}, 'w')")


@folder("a good model with a Lambda in the files for Keras")
def _(folder: Path) -> None:
    keras_with_a_lambda(folder)


@folder("a model of an earlier Trazo")
def _(folder: Path) -> None:
    (folder / CONFIG).rename(folder / "config.json")


# ---- trazo.json ----


def config(what: str, **changes: object) -> None:
    """Make a trazo.json with other values."""

    def change(folder: Path) -> None:
        values = json.loads((folder / CONFIG).read_text())
        (folder / CONFIG).write_text(json.dumps(values | changes))

    FOLDERS[what] = change


def text(what: str, content: str | bytes) -> None:
    """Make a trazo.json of this text."""
    FOLDERS[what] = lambda folder: (folder / CONFIG).write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )


text("not JSON", "model = evil()")
text("not UTF-8", b"\xff\xfe{\x00}\x00")
text("nested 100,000 deep", "[" * 100_000)
text("a key that appears twice", '{"format_version": 1, "filters": [4], "filters": [4096]}')
text("NaN or Infinity", '{"format_version": 1, "temperature": Infinity}')
text("a number of 5,000 digits", '{"format_version": 1, "l1": %s}' % ("9" * 5000))
text("a million empty lists", "[" + "[]," * 999_999 + "[]]")
config("another version of the format", format_version=99)
config("unknown keys", auto_map={"AutoModel": "evil.Model"})
config("a key with a line break and commands for the terminal", **{"\x1b[2J\nloaded": 1})
config("a value of a million characters", activation="a" * 1_000_000)
config("10⁹ filters", filters=[10**9])
config("100,000 hidden layers", dense_units=[1] * 100_000)
config("a network of gigabytes, each number within its range", filters=[4096], kernel_size=28, convolutions=2)
config(
    "few weights, but feature maps of 16 GiB per image",
    image_shape=[1024, 1024, 1],
    filters=[4096],
    kernel_size=1,
    convolutions=1,
    dense_units=[],
)
config("100,000 labels", labels=[str(n) for n in range(100_000)])
config("a label that no file can hold", labels=["\ud800", "b"])
config("a label that commands the terminal", labels=["\x1b[2J", "b"])
config("a label that turns the direction of writing", labels=["cat\u202egpj", "b"])
config("a label with a character of no width", labels=["ca\u200bt", "b"])
config("a label without a letter", labels=[" ", "b"])
config("a label of 90,000 letters", labels=["a" * 90_000, "b"])
config("two labels that look the same", labels=["\u00e9", "e\u0301"])
config("a title of two lines", title="safe\n# to run")
config("a library's version with commands for the terminal", versions={"keras": "3\x1b[2J"})
config("true for a number", format_version=True)
config("true for the numbers of a scaling", scaling={"offset": [True], "scale": [True]})
config("scaling by texts", scaling={"method": "none", "offset": ["1"], "scale": ["1"]})
config("scaling by 10⁻³⁰⁰, which makes every answer NaN", scaling={"offset": [0], "scale": [1e-300]})
config("a temperature of 10⁻³⁰⁰", temperature=1e-300)


# ---- model.safetensors ----


def tensors(what: str, changes: dict[str, np.ndarray | None]) -> None:
    """Make weights with other tensors; None leaves one out."""

    def change(folder: Path) -> None:
        found = load_file(folder / WEIGHTS) | changes
        save_file({name: tensor for name, tensor in found.items() if tensor is not None}, folder / WEIGHTS)

    FOLDERS[what] = change


def header(what: str, change: Callable[[str], str], length: int | None = None) -> None:
    """Make weights with another header over the same bytes of tensors."""

    def rewrite(folder: Path) -> None:
        data = (folder / WEIGHTS).read_bytes()
        old = 8 + int.from_bytes(data[:8], "little")
        new = change(data[8:old].decode()).encode()
        (folder / WEIGHTS).write_bytes((length or len(new)).to_bytes(8, "little") + new + data[old:])

    FOLDERS[what] = rewrite


def entry(**values: object) -> Callable[[str], str]:
    """Return what changes the entry of head/bias in a header."""
    return lambda text: json.dumps((old := json.loads(text)) | {"head/bias": old["head/bias"] | values})


def floats(count: int, value: float = 0) -> np.ndarray:
    return np.full(count, value, np.float32)


tensors("a wrong shape", {"head/bias": floats(11)})
tensors("float64", {"head/bias": np.zeros(10)})
tensors("whole numbers", {"head/bias": np.zeros(10, np.int32)})
tensors("a tensor too many", {"head/extra": floats(1)})
tensors("a tensor whose name is a path", {"../../evil": floats(1)})
tensors("a tensor too few, others in its place", {"head/bias": None, "junk": floats(10)})
tensors("NaN", {"head/bias": floats(10, np.nan)})
tensors("an infinity", {"head/bias": floats(10, np.inf)})
header("a shape of 10¹⁸ numbers", entry(shape=[10**9, 10**9]))
header("a shape whose product overflows", entry(shape=[2**62, 2**62, 2**62]))
header("a negative dimension", entry(shape=[-10]))
header("a dimension of zero", entry(shape=[0]))
header("two tensors in the same bytes", entry(data_offsets=[0, 40]))
header("bytes beyond the end of the file", entry(data_offsets=[10**15, 10**15 + 40]))
header("a type that does not exist", entry(dtype="OBJECT"))
header("a header nested 100,000 deep", lambda text: '{"a":' + "[" * 100_000)
header("a header of 2⁶³ bytes", lambda text: text, 2**63)


@folder("cut short")
def _(folder: Path) -> None:
    os.truncate(folder / WEIGHTS, (folder / WEIGHTS).stat().st_size - 2000)


@folder("900,000 tensors, their header as long as the weights should be")
def _(folder: Path) -> None:
    large = replace(SMALL, dense_units=(16_384,))
    (folder / CONFIG).write_text(large.to_json())
    head = b",".join(b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % n for n in range(900_000))
    size = 4 * large.kernel_parameters + 500_000
    (folder / WEIGHTS).write_bytes(((len(head) + 2).to_bytes(8, "little") + b"{" + head + b"}").ljust(size))


# ---- what an untrusted archive may unpack to ----


def link(what: str, name: str, target: str) -> None:
    def replace_by_link(folder: Path) -> None:
        (folder.parent / "secret").write_text("hf_secret")
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    FOLDERS[what] = replace_by_link


link("trazo.json is a link out of the folder", CONFIG, "../secret")
link("the weights are a link out of the folder", WEIGHTS, "../secret")
link("the card is a link to a secret, which `push_to_hub` would publish", "README.md", "../secret")
link("a report is a link out of the folder", "evaluation.json", "/proc/self/environ")
link("the folder of the exports is a link out of the folder, where `export` would write", "onnx", "..")
link("a link that leads to itself", WEIGHTS, WEIGHTS)
link("a link that leads nowhere", WEIGHTS, "elsewhere")


@folder("the card is a link to a secret through a link called `blobs`")
def _(folder: Path) -> None:
    """As an archive may hold it that looks like a snapshot in the Hub's cache."""
    (folder.parent / "home").mkdir()
    (folder.parent / "home" / "id_rsa").write_text("hf_secret")
    real = folder.parent / "archive" / "snapshots" / "m"
    real.parent.mkdir(parents=True)
    folder.rename(real)
    folder.symlink_to(real)
    (real / "README.md").symlink_to("../../blobs/id_rsa")
    (real.parents[1] / "blobs").symlink_to(folder.parent / "home")


@folder("a pipe, which would block forever")
def _(folder: Path) -> None:
    (folder / CONFIG).unlink()
    os.mkfifo(folder / CONFIG)


@folder("a trazo.json of 1 TB that takes no disk (sparse)")
def _(folder: Path) -> None:
    os.truncate(folder / CONFIG, 10**12)


@folder("weights of 1 TB that take no disk")
def _(folder: Path) -> None:
    os.truncate(folder / WEIGHTS, 10**12)


@folder("weights of 1 GB that take no disk")
def _(folder: Path) -> None:
    os.truncate(folder / WEIGHTS, 10**9)


# ---- repos and Hubs that do not keep to what they say ----


def files_of(hub: LoopbackHub, repo: str) -> dict[str, Blob]:
    return hub.repos["model", repo].find("main").files


def file(what: str, name: str, size: int | None = None, sent: int | None = None) -> Callable[[LoopbackHub, str], None]:
    """Announce a file with another size, or send another content than announced."""

    def change(hub: LoopbackHub, repo: str) -> None:
        files = files_of(hub, repo)
        blob = files.get(name) or hub.store(b"{}")
        content = hub.root / "zeros"
        content.touch()
        os.truncate(content, blob.size if sent is None else sent)
        files[name] = replace(blob, size=size or blob.size, path=blob.path if size else content)

    REPOS[what] = change
    return change


def fault(what: str, **how: object) -> None:
    """Answer every request so; `{url}` is its own address."""

    def change(hub: LoopbackHub, repo: str) -> None:
        location = str(how.get("location")).format(url=f"{hub.endpoint}/api/models/{repo}")
        hub.fault = lambda *request: Fault(**how | {"location": location})

    REPOS[what] = change


file("weights of 5 GB", WEIGHTS, size=5 * 10**9)
file("weights of 900 MB, for which trazo.json has no use", WEIGHTS, size=9 * 10**8)
file("a trazo.json of 1 GB", CONFIG, size=10**9)
file("a report of 1 GB", "trials.json", size=10**9)
file("few bytes of weights are announced, 2 GB sent", WEIGHTS, sent=2 * 10**9)
file("few bytes of trazo.json are announced, 2 GB sent", CONFIG, sent=2 * 10**9)
file("other weights of the same size are sent", WEIGHTS)


def unannounced(what: str, name: str) -> None:
    """Announce no sizes, and send more of a file than it may have."""
    make = file(what, name, sent=2 * 10**9)

    def change(hub: LoopbackHub, repo: str) -> None:
        make(hub, repo)
        hub.unlisted = {"size", "blobId", "lfs"}

    REPOS[what] = change


unannounced("no sizes are announced, 2 GB of weights sent", WEIGHTS)
unannounced("no sizes are announced, 2 GB of trazo.json sent", CONFIG)
fault("redirects without end", status=302, location="{url}")
fault("a redirect to a file of this machine", status=302, location="file:///etc/passwd")
fault("another server, such as the log-in page of a hotel", status=200)
fault("silence", stall=4)


@repo("a good model, and files whose names lead out of the repo")
def _(hub: LoopbackHub, repo: str) -> None:
    for name in ("../../../evil", f"{hub.root}/evil", "..", "x/../../trazo.json"):
        files_of(hub, repo)[name] = hub.store(b"evil")


@repo("the name of trazo.json leads out of the repo")
def _(hub: LoopbackHub, repo: str) -> None:
    files_of(hub, repo)["../trazo.json"] = files_of(hub, repo).pop(CONFIG)


@repo("the name of the commit leads out of the cache")
def _(hub: LoopbackHub, repo: str) -> None:
    found = hub.repos["model", repo]
    found.commits["../../../evil"] = replace(found.find("main"), oid="../../../evil")
    found.branches["main"] = "../../../evil"


# ---- the tests ----


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    (folder / CONFIG).write_text(SMALL.to_json())
    save_file({name: np.ones(shape, np.float32) for name, shape in SMALL.weight_shapes.items()}, folder / WEIGHTS)
    return folder


@pytest.fixture
def copy(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(good, tmp_path / "folder")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackHub]:
    with LoopbackHub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home") / "cache"


@pytest.fixture(scope="module")
def loader(hub: LoopbackHub, home: Path) -> Iterator[Loader]:
    with Loader(hub, home) as loader:
        yield loader


def answer_of(folder: Path) -> str:
    try:
        CnnModel.from_pretrained(folder)
    except ModelError as error:
        return str(error).replace(str(folder), "MODEL")
    return "loaded"


def test_page_rows_are_all_created_here():
    assert {row.what for row in ROWS} == FOLDERS.keys() | REPOS.keys()


@pytest.mark.parametrize("row", [row for row in ROWS if row.what in FOLDERS], ids=lambda row: row.what)
def test_hostile_folder_is_refused_before_memory_is_spent(row, copy, monkeypatch):
    FOLDERS[row.what](copy)
    if not row.loads:
        monkeypatch.setattr(model.cnn, "build_network", lambda config: pytest.fail("a network was built"))
    answer, memory = memory_of(lambda: answer_of(copy))
    row.check(answer)
    assert row.loads or memory < MAX_MEMORY_BYTES
    assert not Path(MARK).exists()


@pytest.mark.parametrize("row", [row for row in ROWS if row.fetched != "–"], ids=lambda row: row.what)
def test_hostile_repo_is_refused_before_memory_or_disk_is_spent(row, copy, hub, home, loader, request):
    repo = f"someone/m{ROWS.index(row)}"
    if row.what in FOLDERS:
        FOLDERS[row.what](copy)
    hub.add_repo(repo, "model", copy)
    if row.what in REPOS:
        REPOS[row.what](hub, repo)
    request.addfinalizer(lambda: (setattr(hub, "fault", None), setattr(hub, "unlisted", set())))
    before, start = disk(home), len(hub.log)
    found = loader.load(repo)
    answer = found.get("error", "loaded").replace(hub.endpoint, "HUB").replace(repo, "MODEL")
    row.check(re.sub(r"/\S+/models--someone--m\d+/snapshots/\w{40}", "MODEL", answer))
    assert found["memory"] < MAX_MEMORY_BYTES
    assert not any((place / "evil").exists() for place in (hub.root, *home.parents, home, home / "hub"))

    # What went over the network, and what is left on the disk.
    gets = [entry for entry in hub.log[start:] if entry.method == "GET" and f"{repo}/resolve/" in entry.path]
    names = {"nothing": [], "trazo.json": [CONFIG]}.get(row.fetched, [CONFIG, WEIGHTS])
    if row.fetched == "the beginning":
        assert sum(entry.sent for entry in gets) < 30 << 20
    else:
        times = 2 if row.fetched == "both files, twice" else 1
        assert sorted(Path(entry.path).name for entry in gets) == sorted([*names, *[WEIGHTS] * (times - 1)])
    sizes = [files_of(hub, repo)[name].size for name in names]
    assert disk(home) - before < sum(sizes) + 5000  # with links, locks and folders


def disk(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def test_hostile_files_do_run_code_when_loaded(tmp_path, monkeypatch):
    """Else the tests above would show nothing."""
    import keras

    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(Payload()))
    assert Path(MARK).exists()
    (tmp_path / "folder").mkdir()
    for name in ("model.keras", "model.h5", "folder"):
        keras_with_a_lambda(tmp_path / name)
        assert not Path(MARK).exists()
        keras.saving.load_model(tmp_path / name, safe_mode=False)
        assert Path(MARK).exists(), name


def test_folder_only_config_and_weights_are_opened(copy):
    code_beside(copy)
    keras_with_a_lambda(copy)
    (copy / "README.md").write_text("# Hello")
    opened, watching = set(), True

    def watch(event: str, arguments: tuple) -> None:
        if watching and event == "open" and not isinstance(arguments[0], int):
            opened.add(Path(os.fsdecode(arguments[0])).name)

    sys.addaudithook(watch)
    try:
        assert answer_of(copy) == "loaded"
    finally:
        watching = False
    assert opened & {path.name for path in copy.iterdir()} == {CONFIG, WEIGHTS}


def test_locate_model_refuses_before_tensorflow_is_imported(copy):
    """`locate_model` reports it at the demo's start; `from_pretrained` would only find out as it reads the tensors."""
    FOLDERS["a wrong shape"](copy)
    with pytest.raises(ModelError, match="head/bias is F32"):
        locate_model(copy)


def test_config_is_read_up_to_its_size_limit_only(copy):
    """It may grow after its size was looked at."""
    with (copy / CONFIG).open("a") as file:
        file.write(" " * (1 << 20))
    with pytest.raises(ModelError, match="at most 1,048,576 are read"):
        CnnConfig.from_file(copy / CONFIG)


def test_predict_weights_that_give_nan_are_reported(copy):
    tensors = load_file(copy / WEIGHTS)
    tensors["head/kernel"][:] = 3e38  # finite, but not their sum
    save_file(tensors, copy / WEIGHTS)
    with pytest.raises(ModelError, match="predictions that are not finite numbers"):
        CnnModel.from_pretrained(copy).predict([np.full((28, 28), 255, np.uint8)])


def test_from_pretrained_takes_a_snapshot_folder_of_the_cache(good, hub, loader):
    hub.add_repo("someone/good", "model", good)
    folder = Path(loader.load("someone/good")["folder"])
    assert (folder / WEIGHTS).is_symlink() and answer_of(folder) == "loaded"
