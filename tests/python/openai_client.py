"""What the official client sees of a router, one function for each behaviour.

Called with the router's base URL, a model that it serves, and the name of the
provider behind it, whose upstream is a simulator that fails under the model
names `limited`, `limited-too`, `failing` and `breaking`. Prints the name of
each behaviour once it has held.
"""

import base64
import inspect
import json
import struct
import sys
import zlib
from dataclasses import dataclass
from decimal import Decimal

import openai
from openai import OpenAI
from pydantic import BaseModel

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Oslo"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


@dataclass
class Subject:
    """Who is asked for what."""

    client: OpenAI
    model: str
    provider: str

    def ask(self, text, **options):
        return self.client.chat.completions.create(**self.request(text, options))

    def request(self, text, options=None):
        request = {"model": self.model, "messages": [{"role": "user", "content": text}]}
        return request | (options or {})

    def fail(self, expected, model, **options):
        """The error with which a request for one of the provider's models ends."""
        try:
            self.ask("Hi", model=f"{self.provider}/{model}", **options)
        except openai.APIError as error:
            assert type(error) is expected, repr(error)
            return error
        raise AssertionError(f"{model} did not fail")


def chat(subject):
    answer = subject.ask("Hello")
    assert answer.object == "chat.completion"
    assert answer.model == subject.model
    [choice] = answer.choices
    assert choice.message.role == "assistant"
    assert choice.message.content == "You said: Hello"
    assert choice.finish_reason == "stop"


def every_turn_of_a_conversation_is_taken(subject):
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Two"},
        {"role": "user", "content": [{"type": "text", "text": "Three"}]},
    ]
    answer = subject.ask("", messages=messages, temperature=0.5, max_tokens=100, stop=["END"])
    assert answer.choices[0].message.content == "You said: Three"


def the_length_limit_is_told(subject):
    answer = subject.ask("one two three four", max_completion_tokens=3)
    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.content == "You said: one"
    assert answer.usage.completion_tokens == 3


def a_stream_says_the_same_as_a_whole_answer(subject):
    text = "A text that is not too short, with umlauts: äöü"
    whole = subject.ask(text)
    chunks = list(subject.ask(text, stream=True, stream_options={"include_usage": True}))
    assert len(chunks) > 3
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.object == "chat.completion.chunk" for chunk in chunks)
    told = [choice for chunk in chunks for choice in chunk.choices]
    assert told[0].delta.role == "assistant"
    assert "".join(choice.delta.content or "" for choice in told) == whole.choices[0].message.content
    assert [choice.finish_reason for choice in told if choice.finish_reason] == ["stop"]
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert all(chunk.usage is None for chunk in chunks[:-1])


def the_client_puts_a_stream_together(subject):
    with subject.client.chat.completions.stream(**subject.request("Hello")) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        answer = stream.get_final_completion()
    assert len(deltas) > 1
    assert "".join(deltas) == answer.choices[0].message.content == "You said: Hello"
    assert answer.usage.total_tokens > 0


def a_tool_loop_closes(subject):
    messages = [{"role": "user", "content": "How is the weather in Oslo?"}]
    first = subject.ask("", messages=messages, tools=[WEATHER]).choices[0]
    assert first.finish_reason == "tool_calls"
    [call] = first.message.tool_calls
    assert call.type == "function" and call.function.name == "weather"
    assert json.loads(call.function.arguments) == {"city": "Oslo"}

    result = {"role": "tool", "tool_call_id": call.id, "content": "Rain, 7 degrees"}
    second = subject.ask("", messages=[*messages, first.message, result], tools=[WEATHER]).choices[0]
    assert second.finish_reason == "stop"
    assert second.message.content == "The tool said: Rain, 7 degrees"


def a_tool_is_called_in_a_stream(subject):
    request = subject.request("How is the weather in Oslo?", {"tools": [WEATHER]})
    with subject.client.chat.completions.stream(**request) as stream:
        bits = [event for event in stream if event.type == "tool_calls.function.arguments.delta"]
        choice = stream.get_final_completion().choices[0]
    assert len(bits) > 1
    assert choice.finish_reason == "tool_calls"
    [call] = choice.message.tool_calls
    assert call.id and call.function.name == "weather"
    assert json.loads(call.function.arguments) == {"city": "Oslo"}

    # The loop closes over what the client put together, as well.
    spoken = choice.message.model_dump(include={"role", "content", "tool_calls"})
    result = {"role": "tool", "tool_call_id": call.id, "content": "Snow"}
    answer = subject.ask("", messages=[*request["messages"], spoken, result], tools=[WEATHER])
    assert answer.choices[0].message.content == "The tool said: Snow"


def a_chosen_tool_is_called(subject):
    other = {"type": "function", "function": {"name": "other", "parameters": {"type": "object", "properties": {}}}}
    choice = {"type": "function", "function": {"name": "weather"}}
    answer = subject.ask("Hi", tools=[other, WEATHER], tool_choice=choice)
    assert answer.choices[0].message.tool_calls[0].function.name == "weather"
    answer = subject.ask("Hi", tools=[other, WEATHER], tool_choice="none")
    assert answer.choices[0].message.tool_calls is None


def an_image_arrives(subject):
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(png()).decode()}"}},
    ]
    answer = subject.ask("", messages=[{"role": "user", "content": content}])
    assert answer.choices[0].message.content == "You said: What is this? I see 1 image."


def png():
    """A grey pixel."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0\x80")) + chunk(b"IEND", b"")


class City(BaseModel):
    name: str
    inhabitants: int
    capital: bool


def an_answer_has_the_shape_that_was_asked_for(subject):
    answer = subject.client.chat.completions.parse(**subject.request("A city!"), response_format=City)
    assert answer.choices[0].message.parsed == City(name="text", inhabitants=1, capital=True)

    request = subject.request("A city!", {"response_format": City})
    with subject.client.chat.completions.stream(**request) as stream:
        answer = stream.get_final_completion()
    assert answer.choices[0].message.parsed == City(name="text", inhabitants=1, capital=True)


def json_mode_is_taken(subject):
    answer = subject.ask("Answer in JSON!", response_format={"type": "json_object"})
    content = answer.choices[0].message.content
    if subject.provider == "open":
        assert json.loads(content) == {"answer": "You said: Answer in JSON!"}
    else:
        # Anthropic's format has no such mode: the model is asked in words, and
        # the simulated one does not understand them.
        assert content == "You said: Answer in JSON!"


def usage_and_cost_add_up(subject):
    [model] = [model for model in subject.client.models.list() if model.id == subject.model]
    usage = subject.ask("How much is this?").usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens_details.cached_tokens == 0
    prompt, completion = Decimal(model.pricing["prompt"]), Decimal(model.pricing["completion"])
    assert prompt > 0 and completion > 0
    cost = usage.prompt_tokens * prompt + usage.completion_tokens * completion
    assert abs(Decimal(usage.cost) - cost) < Decimal("1e-12"), usage


def models_are_listed(subject):
    models = {model.id: model for model in subject.client.models.list()}
    model = models[subject.model]
    assert model.object == "model"
    assert model.owned_by == "test"
    assert model.context_length == 2_000_000


def an_answer_names_its_generation(subject):
    raw = subject.client.chat.completions.with_raw_response.create(**subject.request("Hi"))
    assert raw.headers["x-generation-id"] == raw.parse().id


def a_rate_limit_is_a_rate_limit(subject):
    # A model for each: one that was refused is left alone for as long as it asked.
    for model, stream in [("limited", False), ("limited-too", True)]:
        error = subject.fail(openai.RateLimitError, model, stream=stream)
        assert error.status_code == 429
        assert error.type == "rate_limit_error"
        assert error.body["metadata"]["code"] == "rate_limit_exceeded"
        assert error.response.headers["retry-after"] == "7"


def a_failing_provider_is_a_server_error(subject):
    for stream in [False, True]:
        error = subject.fail(openai.InternalServerError, "failing", stream=stream)
        assert error.status_code == 502
        assert error.code == "502"
        assert error.type == "server_error"
        assert error.body["metadata"]["code"] == "provider_unavailable"
        assert error.body["metadata"]["provider_name"] == subject.provider


def a_stream_that_breaks_raises(subject):
    stream = subject.ask("Hi", model=f"{subject.provider}/breaking", stream=True)
    told = ""
    try:
        for chunk in stream:
            told += chunk.choices[0].delta.content or ""
    except openai.APIError as error:
        assert error.body["metadata"]["code"] == "provider_unavailable", error.body
        assert error.message
    else:
        raise AssertionError("the stream ended as if it were whole")
    assert told.startswith("a"), told


def an_unknown_model_is_the_clients_fault(subject):
    try:
        subject.ask("Hi", model=f"{subject.model}x")
    except openai.BadRequestError as error:
        assert error.body["metadata"]["code"] == "model_not_found"
        assert error.param == "model"
        assert f"`{subject.model}`" in error.message, error.message
    else:
        raise AssertionError("the model was found")


def a_wrong_parameter_is_named(subject):
    wrong = {
        "messages": {"messages": []},
        "temperature": {"temperature": "hot"},
        "messages[0].role": {"messages": [{"role": "nobody", "content": "Hi"}]},
    }
    for parameter, options in wrong.items():
        try:
            subject.ask("Hi", **options)
        except openai.BadRequestError as error:
            assert error.param == parameter, (error.param, error.message)
            assert error.type == "invalid_request_error"
            assert error.body["metadata"]["code"] == "invalid_request"
        else:
            raise AssertionError(f"{parameter} was taken")


def main():
    base_url, model, provider = sys.argv[1:]
    client = OpenAI(base_url=base_url, api_key="unused", max_retries=0, timeout=20)
    for name, behaviour in list(globals().items()):
        if inspect.isfunction(behaviour) and list(inspect.signature(behaviour).parameters) == ["subject"]:
            behaviour(Subject(client, model, provider))
            print(f"ok {name}", flush=True)


if __name__ == "__main__":
    main()
