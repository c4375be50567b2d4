"""KerasTuner's chief and workers: who this process is, a sign of life, and a chief that ends.

KerasTuner reads KERASTUNER_TUNER_ID (the one that contains "chief" is the chief's), KERASTUNER_ORACLE_IP and
KERASTUNER_ORACLE_PORT. docs/distributed.md has the commands for several machines.
"""

import ipaddress
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import grpc
from keras_tuner.src.distribute import oracle_client
from keras_tuner.src.engine import conditions

from model.errors import StreamError, TrazoError
from training.tuning.oracles import ResumableOracle

ID, IP, PORT = (f"KERASTUNER_{name}" for name in ("TUNER_ID", "ORACLE_IP", "ORACLE_PORT"))
DEFAULTS = {IP: "127.0.0.1", PORT: "50051"}
PATIENCE = 600.0  # seconds that a worker waits for a chief, and a chief without workers for one
HEARTBEATS_PER_TIMEOUT = 6  # of life that a worker gives before it would be taken for dead

conditions.print = lambda *_: None  # KerasTuner prints each condition of the space with every message it receives


def role() -> str:
    """Return alone, chief or worker, as the environment says; fill in the loopback address where there is none.

    Raises:
        TrazoError: when the variables do not fit together, or the address is open to strangers.
    """
    if ID not in os.environ:
        if IP in os.environ or PORT in os.environ:
            raise TrazoError(f"{IP} and {PORT} are for chief and workers: {ID} is to say which one this is")
        return "alone"
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    port = os.environ[PORT]
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        raise TrazoError(f"{PORT} must be a number from 1 to 65535, not {port!r}")
    _check_private(os.environ[IP])
    oracle_client.TIMEOUT = PATIENCE
    return "chief" if "chief" in os.environ[ID] else "worker"


def _check_private(host: str) -> None:
    try:
        addresses = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        raise TrazoError(f"{IP} {host!r} is no address of a machine that is known here") from None
    for address in map(ipaddress.ip_address, addresses):
        if address.is_unspecified or not (address.is_private or address.is_loopback or address.is_link_local):
            raise TrazoError(
                f"{IP} is {host}: whoever reaches the chief can steer the search, for nobody is asked for a password; "
                "use 127.0.0.1, or the chief's address in a private network"
            )


def serve(search: Callable[[], None], oracle: ResumableOracle) -> None:
    """Run the chief: answer workers until the last trial has ended.

    KerasTuner's own wait looks for the end in steps of 20 seconds, and counts a worker that was killed as running.

    Raises:
        TrazoError: when the port is taken.
        StreamError: when there has been no worker for `PATIENCE` seconds; the next call goes on.
    """
    errors: list[BaseException] = []

    def run() -> None:
        try:
            search()
        except BaseException as error:
            errors.append(error)

    address = f"{os.environ[IP]}:{os.environ[PORT]}"
    with suppress(OSError), socket.create_connection((os.environ[IP], int(os.environ[PORT])), timeout=1):
        raise TrazoError(f"{address} is taken; another chief may be listening there: set {PORT} to another port")
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    print(f"chief at {address}, waiting for workers", flush=True)
    while thread.is_alive() and not oracle.finished():
        thread.join(0.5)
        if oracle.seconds_since_heartbeat() > PATIENCE:
            raise StreamError(f"no worker has called for {PATIENCE:.0f} seconds; the same command goes on")
    if any(isinstance(error, RuntimeError) for error in errors):  # of gRPC, which gives no kind of its own
        raise TrazoError(f"the chief cannot listen at {address}: {errors[0]}")
    if errors:
        raise errors[0]
    time.sleep(1)  # until the answer to the last worker is on its way


@contextmanager
def translate_rpc_errors() -> Iterator[None]:
    """Tell a person, in a worker, that the chief is not there or is gone.

    Raises:
        StreamError: in place of gRPC's errors.
    """
    try:
        yield
    except grpc.RpcError as error:
        address, code = f"{os.environ[IP]}:{os.environ[PORT]}", error.code().name
        text = (error.details() or "").partition("\n")[0]
        raise StreamError(
            f"the chief at {address} does not answer ({code}: {text}); start it again, then this worker"
        ) from None


@contextmanager
def heartbeat(oracle: Any, trial_id: str, timeout: float) -> Iterator[None]:
    """Let the chief know, as long as the block runs, that this worker is at its trial."""
    done = threading.Event()

    def sign() -> None:
        while not done.wait(timeout / HEARTBEATS_PER_TIMEOUT):
            with suppress(grpc.RpcError):
                oracle.get_trial(trial_id)

    threading.Thread(target=sign, daemon=True).start()
    try:
        yield
    finally:
        done.set()
