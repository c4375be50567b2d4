"""The sentences and table rows of the model card, each made from a config and its reports."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from model.card.comparison import comparison_sentence
from model.card.markdown import code, list_codes, plain
from model.config import CnnConfig
from model.io.reports import is_on_hub
from model.io.trials import compare_with_presets
from model.scaling import OF_BACKBONE
from model.scores import wilson_interval
from model.verdict import describe_unmeasured, describe_verdict, describe_views
from model.words import counted

if TYPE_CHECKING:
    from model.io.reports.data import DatasetEntry
    from model.io.reports.evaluation import EvaluationReport, Measures
    from model.io.reports.training import TrainingReport
    from model.io.reports.trials import TrialsReport

Rows = list[tuple[str, ...]]  # of a table
UNKNOWN = "–"
URL_SAFE = ":/?#@!$&'*+,;=%~"  # characters of an address that stay as they are; a parenthesis would end a link


# --- The network ---


def subject_sentence(config: CnnConfig, sources: list["DatasetEntry"]) -> str:
    """Return what the network is for and what it was trained on."""
    height, width, channels = config.image_shape
    colors = "gray levels" if channels == 1 else "RGB pixels"
    trained = f", trained with Trazo on {list_codes(one.dataset for one in sources)}" if sources else ""
    return f"a {config.task} task on images of\n{height}×{width} {colors}{trained}."


def network_rows(config: CnnConfig, training: "TrainingReport | None") -> Rows:
    """Return (property, value) of the network."""
    dropout = f"{config.dropout:.4g} after {'the backbone' if config.backbone else 'each block'}"
    if config.dense_units:
        dropout += f", {config.dense_dropout:.4g} after each hidden dense layer"
    penalties = f" (l1 {config.l1:.4g}, l2 {config.l2:.4g})" if config.l1 or config.l2 else ""
    rows: Rows = [
        _layers_row(config),
        ("hidden dense layers", join_values(config.dense_units) or "none (mean of each feature map)"),
        ("activation, normalization", f"{config.activation}, {config.normalization}"),
        ("dropout, regularization", f"{dropout}; {config.regularization}{penalties}"),
        ("scaling", f"{_scaling_words(config)}, inside the network"),
    ]
    if config.temperature != 1:
        rows.append(("temperature", f"{config.temperature:.3f}, fitted on the validation part, inside the network"))
    rows.append(("loss", str(config.loss)))
    if training:
        rows.append(("parameters", f"{training.parameters:,}"))
    return rows


def _scaling_words(config: CnnConfig) -> str:
    if config.scaling.method == OF_BACKBONE:
        return "as the backbone was trained with"
    return f"{config.scaling.method}, fitted on the training part"


def _layers_row(config: CnnConfig) -> tuple[str, str]:
    if config.backbone:
        return "backbone", config.backbone
    size = f"{config.kernel_size}×{config.kernel_size}"
    stem = f"a convolution with {config.stem_filters} filters, then " if config.stem_filters else ""
    return (
        "residual blocks" if config.blocks == "residual" else "blocks",
        f"{stem}{len(config.filters)}, with {join_values(config.filters)} filters and "
        f"{join_values(config.convolutions_of_blocks)} convolutions of {size} each, pooling: {config.pooling}",
    )


# --- Data and training ---


def data_sentence(training: "TrainingReport") -> str:
    """Return where the training data comes from and how it was split."""
    data = training.data
    return (
        f"{'; '.join(map(_source_phrase, data.sources))}, split\n"
        f"{code(data.split)}: {data.rows.train:,} rows to train on, {data.rows.validation:,}\n"
        f"{_validation_phrase(training)}. Epoch, temperature and threshold were chosen on these."
    )


def _validation_phrase(training: "TrainingReport") -> str:
    """Return which rows validated, as far as the report says it."""
    splits = {one.validation_split for one in training.data.sources}
    own = [split for split in sorted(filter(None, splits)) if split != training.data.split]
    if own and len(own) == len(splits):
        return f"of the split {list_codes(own)} for validation"
    if training.options is None or None in splits:
        return "for validation"
    chosen = training.options.data
    column = chosen.get("group_column")
    by = f"their {code(str(column))} where a dataset has it, otherwise by " if column else ""
    also = f", or of the split {list_codes(own)} where a dataset has it" if own else ""
    return f"held out for validation by {by}their {'row ids' if chosen.get('no_scan') else 'content'}{also}"


def _source_phrase(source: "DatasetEntry") -> str:
    link = _link(source)
    words = [f"[{code(source.dataset)}]({link})" if link else f"{code(source.dataset)}"]
    if about := "; ".join(filter(None, (source.title, source.license))):
        words[0] += f" ({plain(about)})"
    if source.config and (source.config != "default" or is_on_hub(source.dataset, source.revision, source.path)):
        words.append(f"config {code(source.config)}")
    if source.revision:
        words.append(f"revision {code(source.revision)}")
    if source.sketches:
        words.append("free drawings, prepared as `predict_sketch` prepares them")
    return ", ".join(words)


def _link(source: "DatasetEntry") -> str:
    """Return where to read about a dataset: its page on the Hub, or the homepage that it names."""
    if is_on_hub(source.dataset, source.revision, source.path):
        return f"https://huggingface.co/datasets/{source.dataset}"
    homepage = source.homepage or ""
    return quote(homepage, safe=URL_SAFE) if homepage.startswith(("https://", "http://")) else ""


def starting_sentence(training: "TrainingReport") -> str:
    """Return whose weights the training started from; empty if they were random."""
    start = training.starting_point
    if start is None:
        return ""
    name = f"[{code(start.name)}](https://huggingface.co/{quote(start.name)})" if start.revision else code(start.name)
    about = [f"revision {code(start.revision)}"] if start.revision else []
    about.append(f"license {plain(start.license)}" if start.license else "its card names no license")
    about.append(f"trained on {list_codes(start.datasets)}" if start.datasets else "its card names no data")
    what = "The backbone has" if start.architecture else "The network started from"
    if start.architecture and not start.frozen:
        what = "The backbone started from"
    return f"{what} the weights of {name} ({', '.join(about)})."


def training_sentence(training: "TrainingReport") -> str:
    """Return how long the training took and which weights were kept."""
    if training.starting_point and training.starting_point.frozen:
        return f"Only the head was fitted, in {training.seconds:.0f} seconds with the features of all rows."
    return (
        f"{len(training.history)} epochs in {training.seconds:.0f} seconds, seed {training.seed}; the weights are "
        f"those of epoch\n{training.best_epoch}, the best on validation."
    )


def hyperparameter_rows(training: "TrainingReport") -> Rows:
    """Return (name, value) of every setting."""
    return [(plain(name), _setting(value)) for name, value in training.hyperparameters.items()]


def environment_sentence(training: "TrainingReport") -> str:
    """Return the machine and the versions of the libraries; empty if unknown."""
    versions = ", ".join(f"{plain(name)} {plain(str(value))}" for name, value in training.environment.items())
    return f"On {versions}." if versions else ""


def commands_sentence(training: "TrainingReport") -> str:
    """Return the introduction of the commands."""
    local = any(not is_on_hub(source.dataset, source.revision, source.path) for source in training.data.sources)
    return f"To train it again with Trazo{', with your copies of the local datasets named above' if local else ''}:"


def recipe_sentence(training: "TrainingReport | None", trials: "TrialsReport | None") -> str:
    """Return whether the hyperparameters come from a preset or a search; empty if neither is known."""
    completed = sum(trial.status == "COMPLETED" for trial in trials.trials) if trials else 0
    search = f"{plain(str(trials.strategy))} search of" if trials else ""
    if training and training.preset:
        text = f"Network and recipe are those of the preset {code(training.preset)}."
        if training.decisions:
            text += f"\nDecided from the data: {'; '.join(map(plain, training.decisions))}."
        if completed:
            text += f" `trials.json` holds a {search}\n{completed} completed trials, which they do not come from."
        return text
    if not completed or not trials:
        return ""
    text = f"The hyperparameters come from a {search} {completed} completed trials (`trials.json`)."
    best = trials.best
    if (
        best
        and best.score is not None
        and (presets := compare_with_presets(trials.trials, best.trial_id, trials.strategy))
    ):
        text += f"\nThe best one had {code(trials.objective.name)} {best.score:.4f}; {plain(presets)}."
    return text


# --- Evaluation ---


def evaluation_sentence(evaluation: "EvaluationReport") -> str:
    """Return which rows were measured, and what they were compared with."""
    rows = f"On {counted(evaluation.rows, 'row')} of the split {code(evaluation.split)} of {code(evaluation.dataset)}."
    return f"{rows}\n{comparison_sentence(evaluation.comparison)}"


def evaluation_rows(evaluation: "EvaluationReport") -> Rows:
    """Return (measure, value), with those of the trivial answer."""
    trivial = evaluation.baseline
    if evaluation.is_regression:
        rows: Rows = [
            ("mean absolute error", _digits(evaluation.mean_absolute_error)),
            ("root mean squared error", _digits(evaluation.root_mean_squared_error)),
            ("R²", _decimals(evaluation.r2)),
        ]
        if trivial:
            answer = f"mean absolute error of always answering {_digits(trivial.value)}, the mean"
            rows.append((answer, _digits(trivial.mean_absolute_error)))
    else:
        rows = [
            ("accuracy", _accuracy(evaluation)),
            ("balanced accuracy", _percent(evaluation.balanced_accuracy)),
            ("macro F1", _decimals(evaluation.macro_f1)),
        ]
        if trivial:
            name = f"accuracy of always answering {code(trivial.answer or '')}"
            rows.append((name, _with_interval(trivial.accuracy, evaluation.rows)))
        rows.append(("calibration error (ECE)", _ece(evaluation)))
    rows.append(("loss", _decimals(evaluation.loss)))
    if evaluation.ood:
        rows.append(("rejected as out-of-distribution", _percent(evaluation.ood.rejected)))
    return [row for row in rows if row[1] != UNKNOWN]


def interval_sentence(evaluation: "EvaluationReport") -> str:
    """Return what the intervals of the accuracies are; empty without any."""
    if evaluation.is_regression:
        return ""
    return (
        "In parentheses: the 95 % interval of [Wilson 1927](https://doi.org/10.1080/01621459.1927.10502953), in which "
        "the accuracy on many such rows lies.\nIt covers the choice of the rows, not that of the seed, nor images of "
        "another kind."
    )


def remarks_sentence(evaluation: "EvaluationReport") -> str:
    """Return what qualifies the figures: no better than the trivial answer, classes without rows, averaged views."""
    found = [
        text
        for one in (describe_verdict, describe_unmeasured, describe_views)
        if (text := one(evaluation, code, plain))
    ]
    return " ".join(f"**{text[0].upper()}{text[1:]}.**" for text in found)


def seed_rows(evaluation: "EvaluationReport") -> Rows:
    """Return (seed, accuracy, calibration error, loss) of each seed."""
    rows = evaluation.rows
    return [
        (str(one.seed), _with_interval(one.accuracy, rows), _percent(one.ece), _decimals(one.loss))
        for one in evaluation.seeds
    ]


def class_rows(evaluation: "EvaluationReport") -> Rows:
    """Return (class, rows, precision, recall, F1) of each class."""
    return [
        (plain(one.label), str(one.rows), *map(_decimals, (one.precision, one.recall, one.f1)))
        for one in evaluation.per_class
    ]


def figure_row(evaluation: "EvaluationReport") -> tuple[str, ...]:
    """Return the figures of a classifier; empty for a regression."""
    if evaluation.calibration is None:
        return ()
    matrix = "![Confusion matrix](confusion.png)" if evaluation.confusion_matrix else UNKNOWN
    return matrix, "![Calibration curve](calibration.png)"


def extra_header(evaluation: "EvaluationReport") -> tuple[str, ...]:
    """Return the column names of the table of other datasets."""
    measured = ("mean absolute error",) if evaluation.is_regression else ("accuracy", "calibration error", "rejected")
    trivial = (
        (f"{measured[0]} of the trivial answer",) if any(one.baseline for one in evaluation.extra_datasets) else ()
    )
    return "dataset, split", "rows", *measured, *trivial


def extra_rows(evaluation: "EvaluationReport") -> Rows:
    """Return the row of each other dataset."""
    columns = len(extra_header(evaluation))
    rows = [_extra_row(measures) for measures in evaluation.extra_datasets]
    return [(*row, *[UNKNOWN] * (columns - len(row))) for row in rows]


def _extra_row(measures: "Measures") -> tuple[str, ...]:
    """Return the row of one other dataset; with the accuracy or the error of always giving one answer, if known."""
    trivial = measures.baseline
    name = f"{code(measures.dataset)}, {plain(measures.split)}{' (free drawings)' if measures.sketches else ''}"
    if measures.is_regression:
        error = (_digits(trivial.mean_absolute_error),) if trivial else ()
        return name, f"{measures.rows:,}", _digits(measures.mean_absolute_error), *error
    rejected = _percent(measures.ood.rejected) if measures.ood else UNKNOWN
    share = (_with_interval(trivial.accuracy, measures.rows),) if trivial else ()
    return name, f"{measures.rows:,}", _accuracy(measures), _ece(measures), rejected, *share


# --- Limits and license ---


def limits_sentence(config: CnnConfig, evaluation: "EvaluationReport | None") -> str:
    """Return what the model does not recognize or recognizes worst."""
    if config.ood_threshold:
        unsure = ", or about which the network is so undecided," if config.min_confidence else ""
        text = (
            f" `reject` marks images so unlike\nthe training images{unsure} that their answer means nothing; "
            "it does not prove that the others are what they seem."
        )
    else:
        text = " Images unlike the training images may get wrong answers with high confidence."
    found = {one.label: one.recall for one in evaluation.per_class if one.recall is not None} if evaluation else {}
    if found:
        weakest = min(found, key=lambda label: found[label])
        if found[weakest] < 1:
            text += f" The label it recognizes worst is {code(weakest)}: it finds {_percent(found[weakest])} of them."
        elif evaluation and not evaluation.unmeasured:
            text += " It found every row of every label."
    return text


def sources_sentence(training: "TrainingReport | None", evaluation: "EvaluationReport | None") -> str:
    """Return which data the model has seen; empty if unknown."""
    if training is None:
        return ""
    sources = training.data.sources
    seen = {one.dataset for one in sources}
    measured = {one.dataset for one in (evaluation, *evaluation.extra_datasets)} if evaluation else set()
    figures = ", and the figures above, which come from the same sources, do not show it"
    outliers = training.hyperparameters.get("outliers")
    made = f", {outliers:,} drawings by Trazo that are not digits," if isinstance(outliers, int) and outliers else ""
    return (
        f"It has seen the images of {list_codes(one.dataset for one in sources)}{made} and no others"
        f"{', apart from those that its starting weights come from' if training.starting_point else ''}. "
        "It does worse on people, places, cameras or pens\n"
        f"that are rare there{figures if measured and measured <= seen else ''}. "
        "Measure it on your own images\nbefore you rely on it."
    )


def license_sentence(license: str | None, training: "TrainingReport | None") -> str:
    """Return the licenses of the model, of its datasets, and of the weights that it started from."""
    sources = training.data.sources if training else []
    text = f"{code(license)}." if license else "The publisher of this model has not named a license for it."
    known = {source.dataset: source.license for source in sources if source.license}
    names = ", ".join(f"{code(name)} {plain(one)}" for name, one in known.items())
    text = f"{text} The datasets' own: {names}." if names else text
    start = training.starting_point if training else None
    return (
        f"{text} That of {code(start.name)}, whose weights it started from: {plain(start.license or 'not named')}."
        if start
        else text
    )


# --- Words and numbers ---


def join_values(values: Iterable[Any]) -> str:
    """Return values with commas."""
    return ", ".join(map(str, values))


def _setting(value: Any) -> str:
    """Return the value of a setting; a search finds numbers with more digits than anyone reads."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return f"[{', '.join(plain(repr(one)) for one in value)}]"
    return plain(str(value))


def _percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{100 * share:.2f} %"


def _decimals(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.4f}"


def _digits(value: float | None) -> str:
    """Return a number in the unit of a regression's targets, which may be of any size."""
    return UNKNOWN if value is None else f"{value:.6g}"


def _accuracy(measures: "Measures") -> str:
    return _with_interval(measures.accuracy, measures.rows)


def _with_interval(accuracy: float | None, rows: int) -> str:
    """Return an accuracy, and its 95 % interval in percent."""
    if accuracy is None or rows <= 0:
        return _percent(accuracy)
    low, high = wilson_interval(accuracy, rows)
    return f"{_percent(accuracy)} ({100 * low:.2f} to {100 * high:.2f})"


def _ece(measures: "Measures") -> str:
    return _percent(measures.calibration.ece if measures.calibration else None)
