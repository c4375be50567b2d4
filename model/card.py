"""The model card, written from the reports that lie beside the weights and from nothing else."""

from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from model.config import CnnConfig

TEMPLATE = Path(__file__).with_name("card.md")


def render_card(
    config: CnnConfig,
    training: dict[str, Any] | None = None,
    trials: dict[str, Any] | None = None,
    evaluation: dict[str, Any] | None = None,
    repo_id: str | None = None,
) -> ModelCard:
    """Fill the template card.md.

    Args:
        config: the model's.
        training: training.json; None when the model was not trained by this package.
        trials: trials.json, or None when there was no search.
        evaluation: evaluation.json, or None when it was not evaluated.
        repo_id: what the example loads; None for the folder that the card lies in.
    """
    dataset = (training or {}).get("data", {}).get("dataset")
    on_hub = dataset is not None and dataset.count("/") == 1 and not Path(dataset).exists()
    results = []
    if evaluation and "accuracy" in evaluation:
        results.append(
            EvalResult(
                task_type="image-classification",
                dataset_type=evaluation["dataset"],
                dataset_name=evaluation["dataset"],
                dataset_split=evaluation["split"],
                dataset_revision=evaluation.get("revision"),
                metric_type="accuracy",
                metric_value=evaluation["accuracy"],
            )
        )
    data = ModelCardData(
        library_name="keras",
        tags=["trazo", "keras", "image-classification", "cnn"],
        datasets=[dataset] if on_hub else None,
        metrics=["accuracy"] if results else None,
        pipeline_tag="image-classification",
        model_name=(repo_id or config.title or "model").split("/")[-1] if results else None,
        eval_results=results or None,
    )
    completed = [t for t in (trials or {}).get("trials", []) if t["status"] == "COMPLETED"]
    return ModelCard.from_template(
        data,
        template_path=str(TEMPLATE),
        config=config,
        training=training,
        trials=trials,
        completed_trials=len(completed),
        evaluation=evaluation,
        source=repo_id or "the folder of this card",
    )
