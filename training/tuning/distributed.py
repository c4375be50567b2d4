"""A search with several processes: the role of this process, heartbeats of workers, and a chief that ends by itself.

KerasTuner reads KERASTUNER_TUNER_ID (the chief's contains "chief"), KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT.
docs/distributed.md has the commands for several machines.
"""

import ipaddress
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

import grpc

from model.errors import StreamError, TrazoError
from model.network_settings import set_up_network
from model.ports import parse_port
from training.loop.cluster import TUNER_ID
from training.tuning.oracles import ResumableOracle

ORACLE_IP, ORACLE_PORT = "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT"
DEFAULTS = {ORACLE_IP: "127.0.0.1", ORACLE_PORT: "50051"}
MAX_PEER_SILENCE_S = 600.0  # of a chief, or of all its workers, after which the other side gives up
HEARTBEATS_PER_TIMEOUT = 6  # heartbeats of a worker in the time after which it would count as dead

logger = logging.getLogger("trazo")


def detect_role() -> Literal["alone", "chief", "worker"]:
    """Return the role of this process, from the environment; sets the loopback address if there is none.

    Raises:
        TrazoError: if the variables contradict each other, or the address is open to the internet.
    """
    if TUNER_ID not in os.environ:
        if ORACLE_IP in os.environ or ORACLE_PORT in os.environ:
            raise TrazoError(
                f"{ORACLE_IP} and {ORACLE_PORT} are for a chief and workers: set {TUNER_ID} to say which one this is"
            )
        return "alone"
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    parse_port(os.environ[ORACLE_PORT], ORACLE_PORT)
    _check_private(os.environ[ORACLE_IP])
    set_up_network(os.environ, os.environ[ORACLE_IP])  # gRPC would ask a proxy for it
    return "chief" if "chief" in os.environ[TUNER_ID] else "worker"


def _check_private(host: str) -> None:
    try:
        addresses = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        raise TrazoError(f"{ORACLE_IP} {host!r} is not the address of a machine that is known here") from None
    for address in map(ipaddress.ip_address, addresses):
        if address.is_unspecified or not (address.is_private or address.is_loopback or address.is_link_local):
            raise TrazoError(
                f"{ORACLE_IP} is {host}: anyone who reaches the chief can steer the search without a password; "
                "use 127.0.0.1, or the chief's address in a private network"
            )


def run_chief(search: Callable[[], None], oracle: ResumableOracle, watch: Callable[[], bool] = lambda: False) -> None:
    """Serve workers until the last trial has ended.

    KerasTuner's `search` in a chief checks for the end every 20 seconds, and counts a killed worker as running.

    Args:
        search: KerasTuner's.
        oracle: chooses the trials.
        watch: called twice a second; returns whether all workers have ended.

    Raises:
        TrazoError: if the port is taken.
        StreamError: if no worker has called for `MAX_PEER_SILENCE_S` seconds; the next call resumes the search.
    """
    errors: list[BaseException] = []

    def collect_error() -> None:
        try:
            search()
        except BaseException as error:
            errors.append(error)

    address = f"{os.environ[ORACLE_IP]}:{os.environ[ORACLE_PORT]}"
    with (
        suppress(OSError),
        socket.create_connection((os.environ[ORACLE_IP], int(os.environ[ORACLE_PORT])), timeout=1),
    ):
        raise TrazoError(f"{address} is taken; another chief may be listening there: set {ORACLE_PORT} to another port")
    thread = threading.Thread(target=collect_error, daemon=True)
    thread.start()
    logger.info("chief at %s, waiting for workers", address)
    while thread.is_alive() and not watch() and not oracle.finished():
        thread.join(0.5)
        if oracle.seconds_since_heartbeat() > MAX_PEER_SILENCE_S:
            raise StreamError(
                f"no worker has called for {MAX_PEER_SILENCE_S:.0f} seconds; run the same command again to resume"
            )
    if any(isinstance(error, RuntimeError) for error in errors):  # gRPC raises nothing more specific
        raise TrazoError(f"the chief cannot listen at {address}: {errors[0]}")
    if errors:
        raise errors[0]
    time.sleep(1)  # lets the reply to the last worker arrive


@contextmanager
def translate_rpc_errors() -> Iterator[None]:
    """In a worker, say in one line that the chief does not respond.

    Raises:
        StreamError: instead of gRPC's errors.
    """
    try:
        yield
    except grpc.RpcError as error:
        address, code = f"{os.environ[ORACLE_IP]}:{os.environ[ORACLE_PORT]}", error.code().name
        text = (error.details() or "").partition("\n")[0]
        raise StreamError(
            f"the chief at {address} does not respond ({code}: {text}); start it again, then this worker"
        ) from None


@contextmanager
def send_heartbeats(oracle: Any, trial_id: str, timeout_s: float) -> Iterator[None]:
    """While the block runs, let the chief know from another thread that this worker is alive.

    Args:
        oracle: KerasTuner's client of the chief's oracle.
        trial_id: of the trial that this worker runs.
        timeout_s: seconds of silence after which the chief gives the trial to another worker.
    """
    done = threading.Event()

    def send() -> None:
        while not done.wait(timeout_s / HEARTBEATS_PER_TIMEOUT):
            with suppress(grpc.RpcError):
                oracle.get_trial(trial_id)

    threading.Thread(target=send, daemon=True).start()
    try:
        yield
    finally:
        done.set()
