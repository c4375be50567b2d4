"""Jobs and buckets of the loopback Hub: the routes that the client calls, and a machine that executes a job here.

A job is a process of this machine. What is mounted into a real job's container is a folder here: the paths of the
mounts are replaced in the command, and `hub.programs` comes first in its PATH, so that a test can give it
another `pip`.
"""

import itertools
import json
import os
import subprocess
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, StreamingResponse

from tests.support.fake_hub.protocol import NEEDS_TOKEN, USER, AnyHub, HubError
from tests.support.fake_hub.repos import RepoStore

HARDWARE = [
    {"name": "cpu-upgrade", "prettyName": "CPU Upgrade", "cpu": "8 vCPU", "ram": "32 GB", "accelerator": None,
     "unitCostMicroUSD": 500, "unitCostUSD": 0.0005, "unitLabel": "minute"},
    {"name": "t4-small", "prettyName": "Nvidia T4 - small", "cpu": "4 vCPU", "ram": "15 GB",
     "accelerator": {"type": "gpu", "model": "T4", "quantity": "1", "vram": "16 GB", "manufacturer": "Nvidia"},
     "unitCostMicroUSD": 6667, "unitCostUSD": 0.006667, "unitLabel": "minute"},
    {"name": "inf2x6", "prettyName": "AWS Inferentia2", "cpu": "96 vCPU", "ram": "384 GB",
     "accelerator": {"type": "neuron", "model": "Inferentia2", "quantity": "6", "vram": "32 GB", "manufacturer": "AWS"},
     "unitCostMicroUSD": 200000, "unitCostUSD": 0.2, "unitLabel": "minute"},
]  # fmt: skip
ENDED = ("COMPLETED", "CANCELED", "ERROR")
routes = APIRouter()


@dataclass
class Job:
    """A job, its log, and the process that executes it."""

    job_id: str
    spec: dict[str, Any]
    created: str
    stage: str = "SCHEDULING"
    lines: list[str] = field(default_factory=list)
    process: subprocess.Popen | None = None

    def describe(self) -> dict[str, Any]:
        """What the API says of it: names of secrets, never their values."""
        known = ("command", "arguments", "environment", "flavor", "labels", "volumes")
        return {key: self.spec.get(key) for key in known} | {
            "id": self.job_id,
            "createdAt": self.created,
            "dockerImage": self.spec.get("dockerImage"),
            "secrets": dict.fromkeys(self.spec.get("secrets", {})),
            "status": {"stage": self.stage, "message": None},
            "owner": {"id": "0", "name": USER, "type": "user"},
        }

    def start(self, hub: RepoStore) -> None:
        """Execute it, in a thread that reads its output."""
        threading.Thread(target=self._run, args=(hub,), daemon=True).start()

    def _run(self, hub: RepoStore) -> None:
        command = self.spec["command"]
        for volume in self.spec.get("volumes", []):
            folder = str(_mount(hub, volume))
            command = [word.replace(volume["mountPath"], folder) for word in command]
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TRAZO_"))}
        environment |= self.spec["environment"] | self.spec.get("secrets", {}) | hub.job_environment
        environment["PATH"] = os.pathsep.join([str(hub.programs), environment["PATH"]])
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=hub.root
        )
        if self.stage == "SCHEDULING":
            self.stage = "RUNNING"
        self.lines.extend(line.rstrip("\n") for line in self.process.stdout)
        status = self.process.wait()
        if self.stage == "RUNNING":
            self.stage = "ERROR" if status else "COMPLETED"


def _mount(hub: RepoStore, volume: dict[str, Any]) -> Path:
    """The folder that stands for a mounted volume; a bucket's keeps what is written to it."""
    if volume["type"] == "bucket":
        folder = hub.root / "buckets" / volume["source"]
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    repo = hub.repos[volume["type"], volume["source"]]
    commit = repo.find(volume.get("revision", "main"))
    folder = hub.root / "mounts" / commit.oid
    for name, blob in commit.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(blob.path.read_bytes())
    return folder


async def _job(hub: AnyHub, job_id: str) -> Job:
    if job_id not in hub.jobs:
        raise HubError(404, "Job not found")
    return hub.jobs[job_id]


AnyJob = Annotated[Job, Depends(_job)]


@routes.get("/api/jobs/hardware")
async def hardware() -> list[dict[str, Any]]:
    return HARDWARE


@routes.post("/api/jobs/{namespace}", dependencies=NEEDS_TOKEN)
async def run_job(request: Request, hub: AnyHub) -> dict[str, Any]:
    spec = await request.json()
    if spec["flavor"] not in {one["name"] for one in HARDWARE}:
        raise HubError(400, f"unknown flavor {spec['flavor']}")
    job = Job(f"{len(hub.jobs):024x}", spec, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"))
    hub.jobs[job.job_id] = job
    job.start(hub)
    return job.describe()


@routes.get("/api/jobs/{namespace}", dependencies=NEEDS_TOKEN)
async def list_jobs(request: Request, hub: AnyHub) -> list[dict[str, Any]]:
    stages, labels = request.query_params.getlist("stage"), request.query_params.getlist("label")
    return [
        job.describe()
        for job in reversed(hub.jobs.values())
        if (not stages or job.stage in stages)
        and {tuple(label.split("=", 1)) for label in labels} <= {*job.spec.get("labels", {}).items()}
    ]


@routes.get("/api/jobs/{namespace}/{job_id}", dependencies=NEEDS_TOKEN)
async def inspect_job(job: AnyJob) -> dict[str, Any]:
    return job.describe()


@routes.post("/api/jobs/{namespace}/{job_id}/cancel", dependencies=NEEDS_TOKEN)
async def cancel_job(job: AnyJob) -> dict[str, Any]:
    job.stage = "CANCELED"
    if job.process:
        job.process.kill()
    return job.describe()


@routes.get("/api/jobs/{namespace}/{job_id}/logs", dependencies=NEEDS_TOKEN)
async def logs(job: AnyJob) -> StreamingResponse:
    """Server-sent events from the first line on, until the job has ended."""

    async def events() -> AsyncIterator[str]:
        yield 'data: {"data": "===== Job started at 2026-01-01 =====", "timestamp": "2026-01-01T00:00:00.000Z"}\n\n'
        for number in itertools.count():
            while number >= len(job.lines):
                if job.stage in ENDED:
                    return
                await anyio.sleep(0.02)
            yield f"data: {json.dumps({'data': job.lines[number], 'timestamp': job.created})}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


# ---- buckets ----


@routes.post("/api/buckets/{namespace}/{name}", dependencies=NEEDS_TOKEN)
async def create_bucket(request: Request, hub: AnyHub, namespace: str, name: str) -> JSONResponse:
    bucket = f"{namespace}/{name}"
    answer = {"url": f"{hub.endpoint}/buckets/{bucket}"}
    if bucket in hub.buckets:
        return JSONResponse(answer | {"error": "this bucket exists"}, 409)
    hub.buckets[bucket] = (await request.json()).get("visibility") == "private"
    return JSONResponse(answer)


@routes.get("/api/buckets/{namespace}/{name}", dependencies=NEEDS_TOKEN)
async def bucket_info(hub: AnyHub, namespace: str, name: str) -> dict[str, Any]:
    bucket = f"{namespace}/{name}"
    if bucket not in hub.buckets:
        raise HubError(404, "Bucket not found")
    about = {"id": bucket, "private": hub.buckets[bucket], "createdAt": "2026-01-01T00:00:00.000Z"}
    return about | {"size": 0, "totalFiles": 0}
