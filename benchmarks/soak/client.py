"""A visitor's program: HTTP requests from one address of this machine."""

import http.client
import json
import socket
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 60
BOUNDARY = "part"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
JSON_TYPE = "application/json"


class Client:
    """Requests from an address, each over a separate connection."""

    def __init__(self, url: str, address: str) -> None:
        """Name the demo and the address, such as 127.0.0.2."""
        self.host = urlsplit(url).netloc
        self._address = address

    def request(
        self, method: str, path: str, body: bytes = b"", kind: str = JSON_TYPE, **headers: str
    ) -> tuple[int, bytes]:
        """Send a request; returns the status and the body of the answer.

        Raises:
            OSError: or `http.client.HTTPException`, if it is not answered in time.
        """
        connection = http.client.HTTPConnection(self.host, timeout=TIMEOUT_S, source_address=(self._address, 0))
        with closing(connection):
            connection.request(method, path, body or None, {"Content-Type": kind} | headers if body else headers)
            response = connection.getresponse()
            return response.status, response.read()

    def get(self, path: str) -> bytes:
        """Return what is at a path.

        Raises:
            RuntimeError: if the status is not 200.
        """
        return _checked(self.request("GET", path))

    def upload(self, content: bytes) -> dict[str, Any]:
        """Upload an image; returns what stands for it in the inputs of endpoints.

        Raises:
            RuntimeError: if it is refused.
        """
        answer = _checked(self.request("POST", "/gradio_api/upload", form(content), FORM))
        return file_data(json.loads(answer)[0])

    def call(self, endpoint: str, *data: object, **fields: object) -> str:
        """Call an endpoint; returns the events of its answer.

        Raises:
            RuntimeError: if the call is refused.
        """
        body = json.dumps({"data": data, **fields}).encode()
        event = json.loads(_checked(self.request("POST", f"/gradio_api/call/{endpoint}", body)))["event_id"]
        return self.get(f"/gradio_api/call/{endpoint}/{event}").decode()

    def connect(self, sent: bytes = b"", buffer_bytes: int = 0) -> socket.socket:
        """Open a connection and send these bytes, which need not be a request.

        Args:
            sent: the bytes.
            buffer_bytes: that the system takes of an answer before it is read; 0 for its default, megabytes.
        """
        host, _, port = self.host.partition(":")
        connection = socket.socket()
        try:
            connection.settimeout(TIMEOUT_S)
            if buffer_bytes:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
            connection.bind((self._address, 0))
            connection.connect((host, int(port)))
            connection.sendall(sent)
        except OSError:
            connection.close()
            raise
        return connection


def file_data(path: str) -> dict[str, Any]:
    """Return what stands for a file in the inputs of endpoints."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def form(content: bytes, field: str = "files", name: str = "image.png", parts: int = 1) -> bytes:
    """Return a form with a file, or with the same file many times."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    return (head.encode() + content + b"\r\n") * parts + f"--{BOUNDARY}--\r\n".encode()


def _checked(answer: tuple[int, bytes]) -> bytes:
    status, body = answer
    if status != 200:
        raise RuntimeError(f"status {status}: {body[:200].decode(errors='replace')}")
    return body
