"""The loopback Hub: the protocol and the faults, served from a thread."""

import os
import socket
import threading
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from tests.support.fake_hub import jobs
from tests.support.fake_hub.faults import Connection, FaultPolicy, FaultyApp, LoggedRequest
from tests.support.fake_hub.protocol import TOKEN, HubError, routes
from tests.support.fake_hub.repos import RepoStore
from tests.support.fake_hub.spaces import space_routes


class LoopbackHub(RepoStore):
    """The Hub; `with LoopbackHub(tmp_path) as hub:` serves it on 127.0.0.1 until the block is left.

    `log` lists the requests in order of arrival. `fault`, called in the server's thread with each request's method,
    path and headers, says how it fails. Repos outlive the block: entered again, the hub is back at the same endpoint.
    """

    def __init__(self, root: Path, port: int = 0) -> None:
        """Create a Hub without repos.

        Args:
            root: folder for the files that are uploaded.
            port: 0 for a free one, known once the Hub serves.
        """
        super().__init__(root, port)
        self.log: list[LoggedRequest] = []
        self.fault: FaultPolicy | None = None
        app = FastAPI(openapi_url=None)
        app.add_exception_handler(HubError, HubError.answer)
        app.include_router(jobs.routes)
        app.include_router(space_routes)
        app.include_router(routes)
        app.state.hub = self
        self._app = FaultyApp(app, self.log, lambda: self.fault)

    def __enter__(self) -> "LoopbackHub":
        listener = socket.create_server(("127.0.0.1", self.port))  # accepts connections from here on
        self.port = listener.getsockname()[1]
        config = {"interface": "asgi3", "http": Connection, "lifespan": "off", "log_level": "error", "log_config": None}
        # `log_config`: its own would close the handlers of others, and with them what pytest captures.
        self._server = uvicorn.Server(uvicorn.Config(self._app, **config, timeout_graceful_shutdown=0.2))
        self._thread = threading.Thread(target=self._server.run, args=([listener],), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.should_exit = True
        self._thread.join()

    def environ(self, home: Path, token: bool = False) -> dict[str, str]:
        """The environment for a client's process, which reads it at import; `home` becomes HF_HOME."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING_FACE_", "HUGGINGFACE_"))}
        env |= {"HF_ENDPOINT": self.endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
        env |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        env |= {"HF_UPDATE_DOWNLOAD_COUNTS": "0"}  # a request of `datasets` to another host than the Hub
        env |= dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
        return env | ({"HF_TOKEN": TOKEN} if token else {})
