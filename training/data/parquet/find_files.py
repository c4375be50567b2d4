"""Which files a split consists of: of a folder from `datasets`, of a dataset on the Hub also from what is known."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import httpx2
import yaml
from datasets import BuilderConfig, DatasetBuilder, Features, load_dataset_builder
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from model.errors import TrazoError
from model.io.hub_errors import status_of
from training.data.folders.hub import COMMIT_TIMEOUT_S, HubRepo, find_repo
from training.data.folders.inside import check_declared_files, check_files
from training.data.folders.listing import Listing
from training.data.folders.report import FolderReport, log_once
from training.data.folders.unused import report_unused
from training.data.parquet.byte_ranges import HttpOptions
from training.data.parquet.datasets_compat import EmptyDatasetError, known_features_only
from training.data.parquet.hub_client import call_with_silence_timeout
from training.data.parquet.resolved import (
    KnownRepo,
    ResolvedDataset,
    is_commit,
    load_repo,
    load_resolved,
    save_repo,
    save_resolved,
)
from training.data.parquet.split_info import SplitNotFoundError

KNOWN_TIMEOUT_S = 5  # if a commit is known that can be used instead


@dataclass(frozen=True)
class SourceOptions:
    """Which version of a dataset, and how to reach it.

    Attributes:
        config: for datasets with several; None for the default.
        revision: branch, tag or commit on the Hub; None for main.
        token: for the Hub; None for the one of the environment.
        http: timeouts, retries and cache.
        layout: of a folder of images, see `training.data.folders.layout.find_layout`; None decides by its folders.
        needs_labels: whether a repo of images without labels is an error; a folder without labels always is.
    """

    config: str | None = None
    revision: str | None = None
    token: str | None = None
    http: HttpOptions = HttpOptions()
    layout: str | None = None
    needs_labels: bool = True


@dataclass(frozen=True)
class FoundSplit:
    """A split's files, before any of them is read."""

    dataset: str
    split: str
    commit: str | None
    config: str | None
    splits: tuple[str, ...]
    urls: tuple[str, ...]
    features: Features | None  # None: as the files say
    folder: FolderReport | None = None
    problems: dict[str, str] = field(default_factory=dict)  # columns that the README declares in an unknown way


def find_known_repo(dataset: str, options: SourceOptions) -> HubRepo:
    """Return a dataset repo's commit and file names. The Hub is asked only for what is not known.

    A whole commit hash that is known is not asked for. If the Hub cannot be reached, the last known commit is used, and
    that is logged.

    Raises:
        HfHubHTTPError: if the Hub refuses; ConnectionError or httpx2's errors if it cannot be reached and the dataset
            is not known.
        TrazoError: if it is not a Hub.
    """
    known = load_repo(dataset, options.revision)
    if known and is_commit(options.revision):
        return HubRepo(dataset, known.commit, known.names, known.declares_files, options.token)
    try:
        repo = find_repo(
            dataset, options.revision, options.token, COMMIT_TIMEOUT_S if known is None else KNOWN_TIMEOUT_S
        )
    except (httpx2.RequestError, OfflineModeIsEnabled, ConnectionError, HfHubHTTPError) as error:
        if known is None or (isinstance(error, HfHubHTTPError) and status_of(error) < 500):
            raise  # the Hub responds, and refuses
        log_once(
            f"the Hub cannot be reached ({type(error).__name__}): {dataset!r} is read from the cache, at commit "
            f"{known.commit}, the last that is known here"
        )
        return HubRepo(dataset, known.commit, known.names, known.declares_files, options.token)
    known = KnownRepo(commit=repo.commit, names=repo.names, declares_files=repo.declares_files)
    save_repo(dataset, options.revision, known)
    return repo


def resolve_split(
    dataset: str, split: str, options: SourceOptions, repo: HubRepo | None, listing: Listing | None
) -> tuple[FoundSplit, Callable[[], DatasetBuilder]]:
    """Return a split's files, and what returns the builder of `datasets` that finds them.

    Args:
        dataset: a Hub id, or a folder in the layout of a Hub dataset repo.
        split: its name.
        options: version and access.
        repo: on the Hub; None for a folder.
        listing: of a folder.

    Raises:
        TrazoError: if it has no such config or split, or no data.
    """
    if repo is None:
        if options.revision:
            raise TrazoError(f"{dataset!r} is a folder, which has no revision {options.revision!r}")
        found, builder = _find_files(dataset, options, None, listing)
        return _split_of(found, split, None), lambda: builder
    known = load_resolved(dataset, options.config, repo.commit)
    if known is None:
        known = _find_files(dataset, options, repo.commit, repo.listing())[0]
        if options.needs_labels:  # otherwise it may be a repo of images
            save_resolved(known, options.config)
    for line in known.folder.lines() if known.folder else []:
        log_once(f"{dataset}: {line}")
    return _split_of(known, split, known.commit), lambda: _load_builder(dataset, options, known.commit)


def _find_files(
    dataset: str, options: SourceOptions, commit: str | None, listing: Listing | None
) -> tuple[ResolvedDataset, DatasetBuilder]:
    if commit is None:
        check_declared_files(dataset)
    try:
        with known_features_only() as unknown:
            builder = _load_builder(dataset, options, commit)
    except (EmptyDatasetError, FileNotFoundError) as error:
        pattern = " (its name is taken as a pattern: rename it without []*?)" if set("[]*?") & set(dataset) else ""
        raise TrazoError(f"{dataset!r} holds no data files{pattern}: {str(error).splitlines()[0]}") from None
    # An unknown config, or none given where there are several; a loading script; a README that cannot be read.
    except (ValueError, RuntimeError, yaml.YAMLError) as error:
        raise TrazoError(f"{dataset!r}: {' '.join(str(error).split())}") from None
    used = _used_files([builder.config, *builder.builder_configs.values()])
    # Those of other configs are patterns that nobody looks up.
    chosen, named_by = _used_files([builder.config]), "a link or README.md" if commit is None else "README.md"
    check_files(dataset, named_by, chosen, on_hub=commit is not None)
    problems = {
        column: f"README.md declares column {column!r} as this version of `datasets` does not know it: {reason}"
        for column, reason in unknown.items()
    }
    found = ResolvedDataset(
        dataset=dataset,
        commit=commit or "",
        config=builder.config.name,
        splits={str(name): tuple(map(str, urls)) for name, urls in (builder.config.data_files or {}).items()},
        features=builder.info.features and builder.info.features.to_dict(),
        problems=problems,
        folder=_report_unused(dataset, used, listing) if listing else None,
    )
    return found, builder


def _load_builder(dataset: str, options: SourceOptions, commit: str | None) -> DatasetBuilder:
    if commit is None:
        return load_dataset_builder(dataset, options.config)
    return call_with_silence_timeout(
        lambda: load_dataset_builder(dataset, options.config, revision=commit, token=options.token)
    )


def _split_of(found: ResolvedDataset, split: str, commit: str | None) -> FoundSplit:
    if split not in found.splits:
        raise SplitNotFoundError(
            f"{found.dataset!r} has no split {split!r}; it has {', '.join(found.splits) or 'none'}"
        )
    features = None if found.features is None else Features.from_dict(found.features)
    splits, urls = tuple(found.splits), found.splits[split]
    return FoundSplit(found.dataset, split, commit, found.config, splits, urls, features, found.folder, found.problems)


def _used_files(configs: Iterable[BuilderConfig]) -> list[str]:
    """Return the paths or addresses of the files that a split of some config uses, as far as they are looked up."""
    return [str(url) for config in configs for urls in (config.data_files or {}).values() for url in urls]


def _report_unused(dataset: str, used: list[str], listing: Listing) -> FolderReport | None:
    report = report_unused(used, {os.path.splitext(url)[1] for url in used}, listing)
    for line in report.lines() if report else []:
        log_once(f"{dataset}: {line}")
    return report
