"""Who asks the network next: it answers one question at a time, and visitors take turns."""

from collections.abc import Callable
from typing import Any, TypeVar

import gradio as gr

from ui.inference.supervisor import ModelSupervisor
from ui.server.turns import Turns
from ui.server.visitors import visitor_of

T = TypeVar("T")

# In threads that wait for each other, all answers would take 10 % longer.
_network_turns = Turns(1)


def ask_in_turn(supervisor: ModelSupervisor, request: gr.Request, function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in the network's process when it is the visitor's turn; see `ModelSupervisor.ask`."""
    with _network_turns.turn_of(visitor_of(request)):
        return supervisor.ask(function, *arguments)
