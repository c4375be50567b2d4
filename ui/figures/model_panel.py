"""The model as a table: what it is made of, what it learned from, how good it is, and whether a search found it."""

from collections.abc import Iterable
from math import prod
from urllib.parse import quote

from model.backbones.catalog import get_architecture
from model.config import CnnConfig
from model.io.reports import is_on_hub
from model.io.reports.evaluation import EvaluationReport, Measures
from model.io.reports.training import TrainingReport
from ui.figures.axes import format_value
from ui.i18n import Language, display_name, number, percent, translate
from ui.markup import html_text
from ui.reports.search import Search
from ui.reports.winner import differences

MAX_SOURCES = 20  # datasets that are listed
CLASSIFIED = ("accuracy", "model_interval", "model_rejected")  # what is shown of a classification


def model_html(
    config: CnnConfig,
    repo: str | None,
    training: TrainingReport | None,
    evaluation: EvaluationReport | None,
    search: Search | None,
    language: Language,
) -> str:
    """Return the panel.

    Args:
        config: of the network.
        repo: the model's id on the Hub; None for a folder or the bundled model.
        training: training.json; None if there is none to read.
        evaluation: evaluation.json, likewise.
        search: trials.json, likewise.
        language: of the texts.
    """
    rows = [("model_name", _name(config, repo, language)), *_network_rows(config, language)]
    if training:
        rows += [("model_data", _data(training, language)), ("model_training", _training(training, language))]
    if search and training:
        rows.append(("model_search", _search(config, training, search, language)))
    listed = "".join(f"<dt>{html_text(translate(key, language))}</dt><dd>{html}</dd>" for key, html in rows)
    return f'<dl class="model">{listed}</dl>{_measures(evaluation, language) if evaluation else ""}'


def _name(config: CnnConfig, repo: str | None, language: Language) -> str:
    title = html_text(config.title or translate("model_untitled", language))
    return f"{title} · {_link(f'https://huggingface.co/{quote(repo)}', repo)}" if repo else title


def _link(address: str, text: str) -> str:
    return f'<a href="{html_text(address)}" target="_blank" rel="noopener nofollow">{html_text(text)}</a>'


def _network_rows(config: CnnConfig, language: Language) -> list[tuple[str, str]]:
    def listed(values: Iterable[int]) -> str:
        return ", ".join(number(value, ",", language) for value in values)

    if config.backbone:
        maps = number(get_architecture(config.backbone).features, ",", language)
        layers = translate("model_backbone", language, name=config.backbone, maps=maps)
    else:
        layers = translate(
            "model_residual_are" if config.blocks == "residual" else "model_blocks_are",
            language,
            blocks=len(config.filters),
            filters=listed(config.filters),
            convolutions=listed(config.convolutions_of_blocks),
            side=config.kernel_size,
        )
    ending = (
        translate("model_dense", language, units=listed(config.dense_units))
        if config.dense_units
        else translate("model_mean", language)
    )
    settings = ", ".join(
        f"{display_name(name, language)}: {format_value(getattr(config, name), language)}"
        for name in (("normalization", "activation") if config.backbone else ("pooling", "normalization", "activation"))
    )
    parameters = sum(prod(shape) for shape in config.weight_shapes.values())
    return [
        ("model_layers", html_text(f"{layers} {ending}")),
        ("model_settings", html_text(settings)),
        ("model_parameters", number(parameters, ",", language)),
    ]


def _data(training: TrainingReport, language: Language) -> str:
    sources = training.data.sources
    items = []
    for source in sources[:MAX_SOURCES]:
        name = html_text(source.dataset)
        if is_on_hub(source.dataset, source.revision, source.path):
            name = _link(f"https://huggingface.co/datasets/{quote(source.dataset)}", source.dataset)
        elif (source.homepage or "").startswith("https://"):
            name = _link(source.homepage or "", source.dataset)
        about = [source.title, source.license, translate("model_drawings", language) if source.sketches else None]
        known = html_text("; ".join(filter(None, about)))
        items.append(f"<li>{name}{f' ({known})' if known else ''}</li>")
    rows = training.data.rows
    used = translate(
        "model_rows",
        language,
        train=number(rows.train, ",", language),
        validation=number(rows.validation, ",", language),
    )
    return f"<ul>{''.join(items)}</ul>{html_text(used)}"


def _training(training: TrainingReport, language: Language) -> str:
    text = translate(
        "model_trained",
        language,
        epochs=len(training.history),
        best=training.best_epoch,
        minutes=number(training.seconds / 60, ",.0f" if training.seconds > 600 else ".1f", language),
        seed=training.seed,
    )
    if training.ended:
        text += " " + translate("model_ended", language, day=training.ended[:10])
    return html_text(text)


def _search(config: CnnConfig, training: TrainingReport, search: Search, language: Language) -> str:
    best = search.best
    if best is None or best.score is None:
        return html_text(translate("no_trial_completed", language))
    parts = [display_name(name, language) for name in differences(config, training, best)]
    score = f"{display_name(search.objective, language)} {number(best.score, '.4f', language)}"
    parameters = "–" if best.parameters is None else number(best.parameters, ",", language)
    text = translate(
        "model_no_winner" if parts else "model_winner",
        language,
        names=", ".join(parts),
        trial=best.order,
        score=score,
        parameters=parameters,
    )
    days = sorted({one.ended.date() for one in search.trials if one.ended})
    if days:
        key = "model_search_dates" if len(days) > 1 else "model_search_date"
        text += " " + translate(key, language, first=days[0].isoformat(), last=days[-1].isoformat())
    return html_text(text)


def _measures(evaluation: EvaluationReport, language: Language) -> str:
    """Return one row per dataset on which the model was measured."""
    measured = ("mean_absolute_error", "r2") if evaluation.is_regression else CLASSIFIED
    keys = ("model_tested_on", "images", *measured)
    head = "".join(f'<th scope="col">{html_text(display_name(key, language))}</th>' for key in keys)
    rows = "".join(_measure_row(one, language) for one in evaluation.sources)
    caption = html_text(translate("model_tests", language))
    compared = all(one.comparison is not None and one.comparison.compared for one in evaluation.sources)
    checked = html_text(translate("tested_compared" if compared else "tested_not_compared", language))
    if evaluation.average_views:
        checked += " " + html_text(translate("tested_views", language))
    return (
        f'<div class="network-scroll" role="region" tabindex="0" aria-label="{caption}"><table class="network-softmax">'
        f"<caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        f"<p>{checked}</p>"
    )


def _measure_row(measures: Measures, language: Language) -> str:
    def share(value: float | None) -> str:
        return "–" if value is None else percent(value, language, 2)

    cells = [number(measures.rows, ",", language)]
    if measures.is_regression:
        error, r2 = measures.mean_absolute_error, measures.r2
        cells += ["–" if value is None else number(value, ".4g", language) for value in (error, r2)]
    else:
        interval = measures.accuracy_interval
        cells += [
            share(measures.accuracy),
            f"{share(interval[0])} – {share(interval[1])}" if interval else "–",
            share(measures.ood.rejected if measures.ood else None),
        ]
    title = html_text(f"{measures.dataset}, {measures.split}")
    return f'<tr><th scope="row">{title}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
