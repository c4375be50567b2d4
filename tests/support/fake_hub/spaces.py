"""The routes of Spaces: variables, secrets, the machine, and a build that moves on as it is watched."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from tests.support.fake_hub.protocol import NEEDS_TOKEN, TOKEN, AnyHub, HubError, find_repo
from tests.support.fake_hub.repos import Repo, RepoStore

HARDWARE = {"cpu-basic": 0.0, "cpu-upgrade": 0.0005, "t4-small": 0.006667}  # dollars a minute
SPACE = "/api/spaces/{repo_id:repo}"
space_routes = APIRouter(dependencies=NEEDS_TOKEN)


async def _space(hub: AnyHub, repo_id: str) -> Repo:
    return await find_repo(hub, TOKEN, "space", repo_id)


AnySpace = Annotated[Repo, Depends(_space)]


@space_routes.get("/api/spaces/hardware")
async def hardware() -> list[dict[str, Any]]:
    return [
        {"name": name, "prettyName": name.upper(), "cpu": "2 vCPU", "ram": "16 GB", "ephemeralStorage": "50 GB"}
        | {"accelerator": None, "unitCostMicroUSD": int(price * 1e6), "unitCostUSD": price, "unitLabel": "minute"}
        for name, price in HARDWARE.items()
    ]


@space_routes.get(SPACE + "/variables")
async def variables(space: AnySpace) -> dict[str, dict[str, str]]:
    return {key: {"key": key, "value": value} for key, value in space.variables.items()}


@space_routes.post(SPACE + "/variables")
@space_routes.delete(SPACE + "/variables")
async def change_variable(request: Request, space: AnySpace) -> dict[str, dict[str, str]]:
    _change(space.variables, request.method, await request.json())
    return await variables(space)


@space_routes.get(SPACE + "/secrets")
async def secrets(space: AnySpace) -> dict[str, dict[str, str]]:
    return {key: {"key": key, "description": "", "updatedAt": "2026-01-01T00:00:00.000Z"} for key in space.secrets}


@space_routes.post(SPACE + "/secrets")
@space_routes.delete(SPACE + "/secrets")
async def change_secret(request: Request, space: AnySpace) -> dict[str, Any]:
    _change(space.secrets, request.method, await request.json())
    return {}


def _change(values: dict[str, str], method: str, change: dict[str, str]) -> None:
    values.pop(change["key"], None)
    if method == "POST":
        values[change["key"]] = change["value"]


@space_routes.post(SPACE + "/hardware")
async def request_hardware(request: Request, hub: AnyHub, space: AnySpace) -> dict[str, Any]:
    wanted = (await request.json())["flavor"]
    if wanted not in HARDWARE:
        raise HubError(400, f"Invalid flavor {wanted}")
    space.hardware = wanted
    return describe_runtime(hub, space)


@space_routes.get(SPACE + "/runtime")
async def runtime(hub: AnyHub, space: AnySpace) -> dict[str, Any]:
    """Each question finds the Space one stage further; it ends with the last one."""
    answer = describe_runtime(hub, space)
    if len(space.stages) > 1:
        space.stages.pop(0)
    return answer


def describe_runtime(hub: RepoStore, space: Repo) -> dict[str, Any]:
    stage, is_old = space.stages[0].removeprefix("OLD "), space.stages[0].startswith("OLD ")
    head = space.commits[space.branches["main"]]
    machine = {"current": None if stage == "BUILDING" else space.hardware, "requested": space.hardware}
    error = {"errorMessage": space.error} if stage.endswith("_ERROR") else {}
    return {"stage": stage, "hardware": machine, "sha": head.parent if is_old else head.oid, **error}


@space_routes.get(SPACE + "/logs/{which}")
async def logs(space: AnySpace, which: str) -> StreamingResponse:
    """Server-sent events, an object for each line; keep-alive messages are empty."""

    async def send() -> AsyncIterator[str]:
        yield "data:\n\n"
        for line in space.logs[which]:
            yield f"data: {json.dumps({'data': line, 'timestamp': '2026-01-01T00:00:00.000Z'})}\n\n"

    return StreamingResponse(send(), media_type="text/event-stream")
