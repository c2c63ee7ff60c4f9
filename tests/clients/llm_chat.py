"""What `llm` sees of a router that its settings name as an OpenAI-compatible server."""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import openai
from behaviours import LONG, TOWN, WEATHER, City, Router, pixel, raised, run

# Where `llm` keeps its settings; read when it is imported.
HOME = tempfile.TemporaryDirectory()
os.environ["LLM_USER_PATH"] = HOME.name

import llm  # noqa: E402

# It has no setting for this, and would wait twice for as long as a limit asks for.
openai.OpenAI.__init__.__kwdefaults__["max_retries"] = 0

OWN_MODELS = ["limited", "limited-too", "failing", "breaking", "endless"]


@dataclass
class Subject:
    """Who is asked for what."""

    router: Router

    def model(self, name=None):
        """A model that the router lists, or one of the provider's."""
        return llm.get_model(self.router.upstream(name) if name else self.router.model)


def chat(subject):
    answer = subject.model().prompt("Hello", system="Be brief.", stream=False)
    assert answer.text() == "You said: Hello"
    usage = answer.usage()
    assert usage.input > 0 and usage.output > 0


def a_stream_says_the_same_as_a_whole_answer(subject):
    whole = subject.model().prompt(LONG, stream=False)
    streamed = subject.model().prompt(LONG)
    pieces = list(streamed)
    assert len(pieces) > 3
    assert "".join(pieces) == whole.text()
    assert streamed.usage().input == whole.usage().input
    assert streamed.usage().output == whole.usage().output


def a_conversation_goes_on(subject):
    conversation = subject.model().conversation()
    assert conversation.prompt("One", stream=False).text() == "You said: One"
    assert conversation.prompt("Two", stream=False).text() == "You said: Two"


def a_tool_loop_closes(subject):
    asked = []

    def look_out(city):
        asked.append(city)
        return "Rain, 7 degrees"

    tool = llm.Tool("weather", "The weather of a city", WEATHER, look_out)
    for stream in [False, True]:
        chain = subject.model().chain("How is the weather in Oslo?", tools=[tool], stream=stream)
        assert chain.text() == "The tool said: Rain, 7 degrees"
    assert asked == ["Oslo", "Oslo"]


def an_image_arrives(subject):
    answer = subject.model().prompt("What is this?", attachments=[llm.Attachment(content=pixel())])
    assert answer.text() == "You said: What is this? I see 1 image."


def an_answer_has_the_shape_that_was_asked_for(subject):
    answer = subject.model().prompt("A city!", schema=City, stream=False)
    assert City.model_validate_json(answer.text()) == TOWN


def a_rate_limit_is_a_rate_limit(subject):
    for model, stream in [("limited", False), ("limited-too", True)]:
        error = raised(openai.RateLimitError, lambda: subject.model(model).prompt("Hi", stream=stream).text())
        assert error.status_code == 429, error


def a_failing_provider_is_a_server_error(subject):
    for stream in [False, True]:
        error = raised(openai.InternalServerError, lambda: subject.model("failing").prompt("Hi", stream=stream).text())
        assert error.status_code == 502, error


def a_stream_that_breaks_raises(subject):
    pieces = []
    raised(openai.APIError, lambda: pieces.extend(subject.model("breaking").prompt("Hi")))
    assert "".join(pieces).startswith("a"), pieces


def a_stream_is_left(subject):
    stream = iter(subject.model("endless").prompt("Hi"))
    assert next(stream) + next(stream)
    stream.close()


def make(router):
    def entry(model):
        return {
            "model_id": model,
            "model_name": model,
            "api_base": f"{router.root}/v1",
            "supports_schema": True,
            "supports_tools": True,
            "vision": True,
        }

    models = [router.model, *map(router.upstream, OWN_MODELS)]
    # JSON is YAML.
    settings = json.dumps([entry(model) for model in models])
    (Path(HOME.name) / "extra-openai-models.yaml").write_text(settings)
    return Subject(router)


if __name__ == "__main__":
    run(make)
