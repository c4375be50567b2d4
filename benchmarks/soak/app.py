"""`python -m benchmarks.soak.app SECONDS`: the demo, which deletes files that were not used for so long.

With the hour that it has otherwise, no run of half an hour would show whether the files stay within bounds.
"""

import sys
from typing import Any

import app

launch = app.launch


def launch_with_age(*arguments: Any) -> None:
    """Set the age, then launch. Gradio must not be imported before the demo has chosen its folder."""
    from ui.server.temp_files import TEMP_FILES

    TEMP_FILES.max_age_s = float(sys.argv[1])
    launch(*arguments)


if __name__ == "__main__":
    app.launch = launch_with_age
    app.main()
