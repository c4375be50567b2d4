"""The private names of uvicorn exist in the installed version."""

import uvicorn
from gradio import http_server

from ui.server import uvicorn_compat


def test_server_settings_reach_gradios_server_in_the_block_only():
    config = uvicorn.Config
    with uvicorn_compat.server_settings(http=uvicorn_compat.H11Protocol, backlog=7):
        made = http_server.uvicorn.Config(app=None, port=1)
        assert (made.http, made.backlog) == (uvicorn_compat.H11Protocol, 7)
    assert uvicorn.Config is config


def test_protocol_methods_in_use_exist():
    names = "connection_made data_received on_response_complete pause_writing resume_writing connection_lost"
    names += " _should_upgrade"
    assert all(callable(getattr(uvicorn_compat.H11Protocol, name)) for name in names.split())
