"""A Hugging Face Hub on loopback, for tests and benchmarks with the unmodified Hub clients.

It speaks the parts of the Hub's HTTP protocol that `huggingface_hub` and `datasets` use to read a repo, to create
one and to commit to it: JSON API, Git LFS uploads, ranged downloads, error codes. Xet is not offered, so the clients
use plain LFS. A request can be made to fail in the ways a network does (see `Fault`).

    python -m tests.support.fake_hub --dataset ylecun/mnist=FOLDER --port 8000     # serve a folder until killed
"""

from tests.support.fake_hub.faults import Fault, LoggedRequest
from tests.support.fake_hub.protocol import TOKEN
from tests.support.fake_hub.repos import Blob
from tests.support.fake_hub.server import LoopbackHub

__all__ = ["TOKEN", "Blob", "Fault", "LoggedRequest", "LoopbackHub"]
