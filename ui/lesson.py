"""The lesson: a walk through the course's chapter in its order, as a table of steps.

Each step asks for a prediction, sets the page's controls, gives tasks and checks in the browser what was really done,
then explains. Its texts are in section `lesson` of `ui/i18n/*.json`, under keys that start with its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ui.i18n import LESSON_TEXT, Language

# A condition: the fact, how it is compared, and with what. `static/lesson.js` compares; the scripts that report facts
# are `lens_facts.js`, `train_here.js` and `own_digits.js`, and the page's address is a fact, too.
Condition = tuple[str, str, float | str | bool]
OPTIONS = 3  # from which each prediction is chosen


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        name: with which the keys of its texts start: title, question, option_1 …, task_1 …, explain.
        answer: the number of the right option, from 1.
        state: parameters of the page's address that it starts with; see `ui.tabs.link`.
        tasks: for each task the conditions that must hold at the same time.
        place: the part of the page that it is about, as a CSS selector.
    """

    name: str
    answer: int
    state: Mapping[str, str]
    tasks: tuple[tuple[Condition, ...], ...]
    place: str = "#tuning-train"


EDGES = {"tab": "edges", "threshold": "50", "flip": "1", "sign": "clipped", "show": "binary"}
EDGES |= {"stride": "1", "padding": "same"}
TRAINED = ("training.done", "=", True)
# A training of a few seconds, also on a phone.
TRAINING = {"tab": "tuning", "part": "try", "preset": "base", "filters": "4", "rate": "0.01", "rows": "500"}
TRAINING |= {"epochs": "6", "patience": "0"}

STEPS: tuple[Step, ...] = (
    Step(
        "batches",
        answer=2,
        state=TRAINING,
        tasks=((("training.steps", "=", 16), ("training.epoch", ">=", 1)),),
    ),
    Step(
        "layers",
        answer=3,
        state=TRAINING | {"filters": "2"},
        tasks=((TRAINED, ("training.filters", "=", 2)), (TRAINED, ("training.filters", "=", 8))),
    ),
    Step(
        "activation",
        answer=3,
        state=TRAINING | {"preset": "sigmoid"},
        tasks=(
            (TRAINED, ("training.activation", "=", "sigmoid"), ("training.validationAccuracy", "<", 0.3)),
            (TRAINED, ("training.activation", "=", "relu"), ("training.validationAccuracy", ">", 0.4)),
        ),
    ),
    Step(
        "scaling",
        answer=2,
        state=TRAINING | {"preset": "scaling"},
        tasks=(
            (TRAINED, ("training.scaling", "=", "none")),
            (TRAINED, ("training.scaling", "!=", "none"), ("training.validationAccuracy", ">", 0.6)),
        ),
    ),
    Step(
        "loss",
        answer=2,
        state=TRAINING | {"scaling": "min-max", "optimizer": "sgd", "rate": "0.0003"},
        tasks=((TRAINED, ("training.loss", ">", 2.0), ("training.loss", "<", 2.6)),),
    ),
    Step(
        "rate",
        answer=3,
        state=TRAINING | {"preset": "rate", "rate": "0.3"},
        tasks=(
            (TRAINED, ("training.rate", "=", 0.3), ("training.learned", "=", False)),
            (TRAINED, ("training.validationAccuracy", ">=", 0.8)),
        ),
    ),
    Step(
        "overfitting",
        answer=3,
        state=TRAINING | {"preset": "overfit", "rows": "200", "epochs": "30"},
        tasks=(
            (TRAINED, ("training.gap", ">=", 0.05)),
            (TRAINED, ("training.restrained", "=", True), ("training.rows", "=", 200)),
        ),
    ),
    Step(
        "stopping",
        answer=2,
        state=TRAINING | {"preset": "overfit", "rows": "200", "epochs": "30", "patience": "3"},
        tasks=((("training.stopped", "=", True),),),
    ),
    Step(
        "search",
        answer=2,
        state={"tab": "tuning", "part": "search"},
        place=".tabs",
        tasks=((("link.part", "=", "space"),), (("link.part", "=", "table"),)),
    ),
    Step(
        "kernel",
        answer=1,
        state=EDGES | {"photo": "camera", "kernel": "vertical", "px": "150,90"},
        place="#edges-lens",
        tasks=(
            (("lens.moved", "=", True), ("lens.white", "=", True)),
            (("lens.moved", "=", True), ("lens.sum", "<", 0)),
        ),
    ),
    Step(
        "bricks",
        answer=2,
        state=EDGES | {"photo": "brick", "kernel": "horizontal"},
        place="#edges-result",
        tasks=(
            (
                ("link.photo", "=", "brick"),
                ("lens.white_share", ">", 0.01),
                ("lens.horizontal", "<", 0.02),
                ("lens.vertical", ">", 0.5),
            ),
        ),
    ),
    Step(
        "pooling",
        answer=3,
        state=EDGES | {"photo": "chelsea", "kernel": "all"},
        place="#edges-stride",
        tasks=((("lens.stride", "=", 2),), (("lens.padding", "=", "valid"), ("lens.stride", "=", 1))),
    ),
    Step(
        "digit",
        answer=3,
        state={"tab": "digit"},
        place="#digit-canvas",
        tasks=(
            (("digit.text", "=", "7"), ("digit.confidence", ">=", 0.9)),
            (("digit.count", "=", 1), ("digit.rejected", "=", True)),
        ),
    ),
)


def lesson_content(language: Language) -> dict[str, object]:
    """Return what the browser needs to give the lesson: its texts in a language, and the steps."""
    steps = [
        {
            "name": step.name,
            "answer": step.answer,
            "options": OPTIONS,
            "tasks": step.tasks,
            "state": dict(step.state),
            "place": step.place,
        }
        for step in STEPS
    ]
    return {"texts": LESSON_TEXT[language], "steps": steps}
