"""Write the JSON Schemas of the reports to docs/schemas/.

Run it after a change of a model in `model/io/reports/`; a test compares the files with the models.
"""

import json
from pathlib import Path

from model.io.atomic import atomic_write
from model.io.reports import CLASSES, report_class

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"


def schema_text(name: str) -> str:
    """Return the JSON Schema of a report, given the name of its file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": schema_path(name).name}
    return json.dumps(schema | report_class(name).model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def schema_path(name: str) -> Path:
    """Return where the schema of a report is kept."""
    return FOLDER / f"{Path(name).stem}.schema.json"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for report in CLASSES:
        atomic_write(schema_path(report), schema_text(report))
