"""What the scripts of all clients share: whom they ask, what they ask about, and how
they are run.

Each script has one function for each behaviour that its client must see of a router.
It is called with the router's address, a model that it serves, and the name of the
provider behind it, `test-` and the name of the adapter. The upstream is a
simulator that answers `You said: ...`, calls the first tool that it is offered, and
fails under the names `limited`, `limited-too`, `failing` and `breaking`; `thinking`
shows its thoughts, `endless` goes on for hours. The name of each behaviour is printed
once it has held.
"""

import base64
import inspect
import sys
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

# What `thinking` thinks.
THOUGHT = "Three and four make seven."

# A text of several pieces.
LONG = "A text that is not too short, with umlauts: äöü"

# The parameters of a tool that tells the weather.
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Oslo"]}},
    "required": ["city"],
    "additionalProperties": False,
}


class City(BaseModel):
    """What a structured answer has to be."""

    name: str
    inhabitants: int
    capital: bool


# The city that the simulator makes up.
TOWN = City(name="text", inhabitants=1, capital=True)


@dataclass
class Router:
    """Who is asked."""

    root: str
    model: str
    provider: str

    def upstream(self, model):
        """One of the provider's models, which the router does not list."""
        if (model, self.provider) == ("thinking", "test-gemini"):
            # Which of Gemini's models reason, their names tell.
            model = "gemini-2.5-thinking"
        return f"{self.provider}/{model}"


def pixel():
    """An image. What arrives upstream is compared with it."""
    return (Path(__file__).parent / "pixel.png").read_bytes()


def pixel_base64():
    return base64.b64encode(pixel()).decode()


def raised(expected, ask):
    """The error that `ask` ends with."""
    try:
        answer = ask()
    except expected as error:
        return error
    raise AssertionError(f"no {expected.__name__} but {answer!r}")


def run(make):
    """Runs all functions of a script that take a `subject`, made from the router."""
    subject = make(Router(*sys.argv[1:]))
    for name, behaviour in list(vars(sys.modules["__main__"]).items()):
        if inspect.isfunction(behaviour) and list(inspect.signature(behaviour).parameters) == ["subject"]:
            behaviour(subject)
            print(f"ok {name}", flush=True)
