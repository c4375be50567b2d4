"""Repos of images on the Hub: the rules for folders, applied to the files of one commit.

Only metadata files and archives are downloaded before it is decided which file is which row; the images are fetched
when they are copied.
"""

import shutil
import tarfile
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from huggingface_hub import HfApi, HfFileSystem, constants, hf_hub_download, hf_hub_url, try_to_load_from_cache
from huggingface_hub.hf_api import RepoFile

from model.errors import TrazoError
from training.data.folders import kinds
from training.data.folders.archives import looks_like_webdataset
from training.data.folders.copies import REPORT, FolderCopy, hash_key, open_copies
from training.data.folders.fetch import fetch_ahead
from training.data.folders.listing import File, Listing
from training.data.folders.metadata import is_metadata
from training.data.folders.plan import FolderPlan, NoLabelsError, plan_rows
from training.data.folders.route import declare_files, holds_images
from training.data.parquet.byte_ranges import HttpOptions, RemoteFiles, cache_folder
from training.data.parquet.hub_client import call_with_silence_timeout
from training.data.parquet.split_info import SplitNotFoundError

COMMIT_TIMEOUT_S = 20
PROBE_BLOCK_BYTES = 1 << 20  # read at once of a tar, to see what it is
MIN_TEXT_BYTES = 1 << 16  # of text that can be the dataset, with images that only illustrate it
TEXTS = (".csv", ".tsv", ".json", ".jsonl")
REMOTE = "hf://"  # what the path of a file begins with that is not on disk


@dataclass(frozen=True)
class HubRepo:
    """A dataset repo at one commit.

    Attributes:
        dataset: its id.
        commit: the hash.
        names: paths of its files.
        declares_files: whether its README says which files are its data.
        token: for the Hub.
    """

    dataset: str
    commit: str
    names: tuple[str, ...]
    declares_files: bool
    token: str | None

    def listing(self, sizes: dict[str, int] | None = None) -> Listing:
        """Return its files, in the order of a folder; without sizes, all are empty."""
        root = f"{REMOTE}datasets/{self.dataset}@{self.commit}"
        files = []
        for name in self.names if sizes is None else sizes:
            *folder, last = name.split("/")
            files.append(File(tuple(folder), last, sizes[name] if sizes else 0, f"{root}/{name}"))
        return Listing(sorted(files))


def find_repo(dataset: str, revision: str | None, token: str | None, timeout_s: float = COMMIT_TIMEOUT_S) -> HubRepo:
    """Find a dataset repo's commit and the names of its files.

    Args:
        dataset: its id.
        revision: branch, tag or commit; None for main.
        token: for the Hub; None for the one of the environment.
        timeout_s: seconds without a response after which it is given up.

    Raises:
        HfHubHTTPError, TrazoError: if it cannot be found.
    """
    info = HfApi(token=token).dataset_info(dataset, revision=revision, timeout=timeout_s)
    if info.sha is None:
        raise TrazoError(f"{constants.ENDPOINT} is not a Hub: it names no commit of {dataset!r}")
    names = tuple(sibling.rfilename for sibling in info.siblings or ())
    return HubRepo(dataset, info.sha, names, declare_files(getattr(info.card_data, "configs", None)), token)


def open_repo(
    repo: HubRepo, split: str, choice: str | None, config: str | None, http: HttpOptions, needs_labels: bool = True
) -> FolderCopy | None:
    """Return a Parquet copy of one split of a repo of images; it is made if there is none of this commit.

    Args:
        repo: at one commit.
        split: name of the split.
        choice: a layout that overrules the decision, see `layout.find_layout`.
        config: as it was requested; a repo of images has none.
        http: timeouts and retries.
        needs_labels: whether images without labels are an error.

    Returns:
        the copy; None if the repo holds something else, or the images have no labels and need none.

    Raises:
        SplitNotFoundError: if there is no such split.
        StreamError: if a file cannot be fetched, after the retries; nothing of the copy is kept.
        TrazoError: as for a folder, see `copies.open_folder`.
    """
    endings = {kinds.ending(name) for name in repo.names}
    if repo.declares_files or endings & kinds.TABLES or not endings & (kinds.IMAGES | set(kinds.ARCHIVES)):
        return None
    copies = cache_folder() / "parquet" / f"repo-{hash_key((constants.ENDPOINT, repo.dataset, repo.commit, choice))}"
    list_once = cache(partial(_list_files, repo))
    if not (copies / REPORT).is_file() and not _is_image_repo(repo, list_once()):
        return None
    if config not in (None, "default"):
        raise TrazoError(f"{repo.dataset!r} is a repo of images and declares no configs, so it has no {config!r}")

    def plan() -> FolderPlan:
        return plan_rows(repo.dataset, _download_some(repo, list_once()), choice)

    try:
        return open_copies(repo.dataset, split, copies, plan, partial(_read, repo, http))
    except (NoLabelsError, SplitNotFoundError):
        if needs_labels:
            raise
        return None


def _list_files(repo: HubRepo) -> Listing:
    """List the files with their sizes, a request per thousand files."""
    api = HfApi(token=repo.token)
    entries = call_with_silence_timeout(
        lambda: list(api.list_repo_tree(repo.dataset, recursive=True, revision=repo.commit, repo_type="dataset"))
    )
    sizes = {one.path: one.size for one in entries if isinstance(one, RepoFile) and one.path != ".gitattributes"}
    listing = repo.listing(sizes)
    files = []
    for file in listing.files:
        if any(map(kinds.is_litter, (*file.folder, file.name))):
            listing.left_out.add("hidden or system files", file.relative)
        else:
            files.append(file)
    folders = {file.folder[:depth] for file in files for depth in range(1, len(file.folder) + 1)}
    return Listing(files, sorted(folders), listing.left_out)


def _is_image_repo(repo: HubRepo, listing: Listing) -> bool:
    stems = {_stem(file) for file in listing.files if kinds.ending(file.name) in kinds.IMAGES}
    images = sum(file.size for file in listing.files if kinds.ending(file.name) in kinds.IMAGES)
    # Not text about single images: 001.json next to 001.jpg.
    texts = [file for file in listing.files if kinds.ending(file.name) in TEXTS and _stem(file) not in stems]
    text_bytes = sum(file.size for file in texts if not is_metadata(file))
    if stems and text_bytes > max(images, MIN_TEXT_BYTES):
        return False
    # All shards of a repo are alike: the first one is looked into.
    first = next((file for file in listing.files if kinds.ending(file.name) == ".tar"), None)
    is_webdataset = cache(lambda: first is not None and _is_webdataset(repo, first))
    return holds_images(listing, lambda _: is_webdataset())


def _stem(file: File) -> str:
    return file.name.partition(".")[0].lower()


def _is_webdataset(repo: HubRepo, file: File) -> bool:
    filesystem = HfFileSystem(token=repo.token)
    with suppress(tarfile.TarError, EOFError), filesystem.open(file.path, block_size=PROBE_BLOCK_BYTES) as opened:
        return looks_like_webdataset(file.path, opened)
    return False


def _download_some(repo: HubRepo, listing: Listing) -> Listing:
    """Download the archives and metadata files, which say what is in a repo, into the cache of the Hub's client."""
    wanted = [file for file in listing.files if kinds.is_archive(file.name) or is_metadata(file)]
    missing = [file for file in wanted if not _is_downloaded(repo, file)]
    if missing:
        size = sum(file.size for file in missing)
        place = Path(constants.HF_HUB_CACHE)
        place.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(place).free
        if size > free:
            raise TrazoError(
                f"{len(missing):,} archives of {repo.dataset!r} need {size >> 20:,} MB in {place}, where "
                f"{free >> 20:,} MB are free; make room, or set HF_HUB_CACHE to a folder on another disk"
            )
    # Not in threads: a process that is interrupted would wait for the end of large downloads.
    paths = {
        file: hf_hub_download(repo.dataset, file.relative, repo_type="dataset", revision=repo.commit, token=repo.token)
        for file in wanted
    }
    files = [file._replace(path=paths.get(file, file.path)) for file in listing.files]
    return Listing(files, listing.folders, listing.left_out)


def _is_downloaded(repo: HubRepo, file: File) -> bool:
    path = try_to_load_from_cache(repo.dataset, file.relative, revision=repo.commit, repo_type="dataset")
    return isinstance(path, str)


def _read(repo: HubRepo, http: HttpOptions, files: Iterator[File]) -> Generator[bytes | None, None, None]:
    remote = RemoteFiles(HfFileSystem(token=repo.token), repo.token, http)

    def fetch(file: File) -> bytes:
        url = hf_hub_url(
            repo.dataset, file.relative, repo_type="dataset", revision=repo.commit, endpoint=constants.ENDPOINT
        )
        return remote.read(url, 0, file.size)

    yield from fetch_ahead(files, fetch, lambda file: file.path.startswith(REMOTE))
