"""`python -m training VERB`."""

import os
import sys

from training.cli import main

if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: a thread of tf.data that asks for an interpreter which is being taken down waits for it for ever.
    os._exit(status)
