"""`python -m benchmarks.soak.app SECONDS`: the demo, which deletes files that were not used for so long.

With the hour that it has otherwise, no run of half an hour would show whether the files stay within bounds.
"""

import sys

import app
from ui.server.temp_files import TEMP_FILES

if __name__ == "__main__":
    TEMP_FILES.max_age_s = float(sys.argv[1])
    app.main()
