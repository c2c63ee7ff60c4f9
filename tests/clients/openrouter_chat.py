"""What `openrouter`, OpenRouter's own client, sees of a router."""

import json
from dataclasses import dataclass

from behaviours import LONG, THOUGHT, TOWN, WEATHER, City, Router, pixel_base64, raised, run
from openrouter import OpenRouter, errors

TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather of a city", "parameters": WEATHER},
}


@dataclass
class Subject:
    """Who is asked for what."""

    router: Router
    client: OpenRouter

    def ask(self, *messages, **options):
        """The answer to messages; a text alone is the user's."""
        turns = [{"role": "user", "content": turn} if isinstance(turn, str) else turn for turn in messages]
        return self.client.chat.send(**{"model": self.router.model, "messages": turns} | options)

    def stream(self, *messages, **options):
        return list(self.ask(*messages, stream=True, **options))


def joined(chunks, field):
    """The pieces of a field that a stream's deltas hold."""
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    return [piece for delta in deltas if (piece := getattr(delta, field, None))]


def chat(subject):
    answer = subject.ask({"role": "system", "content": "Be brief."}, "Hello")
    assert answer.model == subject.router.model
    [choice] = answer.choices
    assert choice.message.content == "You said: Hello"
    assert choice.finish_reason == "stop"
    usage = answer.usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.cost > 0


def a_stream_says_the_same_as_a_whole_answer(subject):
    whole = subject.ask(LONG)
    chunks = subject.stream(LONG)
    pieces = joined(chunks, "content")
    assert len(pieces) > 3
    assert "".join(pieces) == whole.choices[0].message.content
    ends = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert ends == ["stop"]
    assert chunks[-1].usage == whole.usage


def a_tool_loop_closes(subject):
    question = {"role": "user", "content": "How is the weather in Oslo?"}
    first = subject.ask(question, tools=[TOOL]).choices[0]
    assert first.finish_reason == "tool_calls"
    [call] = first.message.tool_calls
    assert call.function.name == "weather"
    assert json.loads(call.function.arguments) == {"city": "Oslo"}
    result = {"role": "tool", "tool_call_id": call.id, "content": "Rain, 7 degrees"}
    second = subject.ask(question, first.message, result, tools=[TOOL]).choices[0]
    assert second.finish_reason == "stop"
    assert second.message.content == "The tool said: Rain, 7 degrees"


def a_tool_is_called_in_a_stream(subject):
    chunks = subject.stream("How is the weather in Oslo?", tools=[TOOL])
    calls = [call for calls in joined(chunks, "tool_calls") for call in calls]
    # Gemini tells the arguments of a call at once.
    assert len(calls) > 1 or subject.router.provider == "test-gemini"
    assert {call.index for call in calls} == {0}
    assert calls[0].id and calls[0].function.name == "weather"
    arguments = "".join(call.function.arguments or "" for call in calls if call.function)
    assert json.loads(arguments) == {"city": "Oslo"}


def an_image_arrives(subject):
    url = f"data:image/png;base64,{pixel_base64()}"
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    answer = subject.ask({"role": "user", "content": content})
    assert answer.choices[0].message.content == "You said: What is this? I see 1 image."


def an_answer_has_the_shape_that_was_asked_for(subject):
    schema = {"name": "city", "strict": True, "schema": City.model_json_schema()}
    answer = subject.ask("A city!", response_format={"type": "json_schema", "json_schema": schema})
    assert City.model_validate_json(answer.choices[0].message.content) == TOWN


def thoughts_are_shown_and_come_back(subject):
    options = {"model": subject.router.upstream("thinking"), "reasoning": {"effort": "low"}}
    asked = {"role": "user", "content": "What is 3 + 4?"}
    message = subject.ask(asked, **options).choices[0].message
    assert message.reasoning == THOUGHT
    detail = message.reasoning_details[0]
    assert detail.type == "reasoning.text" and detail.text == THOUGHT, detail

    chunks = subject.stream(asked, **options)
    thoughts = joined(chunks, "reasoning")
    assert len(thoughts) > 1 and "".join(thoughts) == THOUGHT
    details = [detail for details in joined(chunks, "reasoning_details") for detail in details]
    assert "".join(getattr(detail, "text", None) or "" for detail in details) == THOUGHT

    answer = subject.ask(asked, message, {"role": "user", "content": "Are you sure?"}, **options)
    assert answer.choices[0].message.content == "You said: Are you sure?"


def a_rate_limit_is_a_rate_limit(subject):
    # A model for each: one that was refused is left alone for as long as it asked.
    for model, stream in [("limited", False), ("limited-too", True)]:
        ask = lambda: subject.ask("Hi", model=subject.router.upstream(model), stream=stream)
        error = raised(errors.TooManyRequestsResponseError, ask)
        assert error.status_code == error.data.error.code == 429
        assert error.message and error.headers["retry-after"] == "7"
        assert error.data.error.metadata["error_type"] == "rate_limit_exceeded"


def a_failing_provider_is_a_bad_gateway(subject):
    for stream in [False, True]:
        ask = lambda: subject.ask("Hi", model=subject.router.upstream("failing"), stream=stream)
        error = raised(errors.BadGatewayResponseError, ask)
        assert error.status_code == error.data.error.code == 502
        assert error.message == error.data.error.message
        assert error.data.error.metadata["provider_name"] == subject.router.provider


def a_stream_that_breaks_tells_so(subject):
    chunks = subject.stream("Hi", model=subject.router.upstream("breaking"))
    assert "".join(joined(chunks, "content")).startswith("a")
    [error] = [chunk.error for chunk in chunks if chunk.error]
    assert error.code == 502 and error.message
    assert error.metadata.error_type == "provider_unavailable"
    assert chunks[-1].choices[0].finish_reason == "error"


def models_are_listed(subject):
    models = {model.id: model for model in subject.client.models.list().result.data}
    model = models[subject.router.model]
    assert model.context_length == 2_000_000
    assert float(model.pricing.prompt) > 0


def a_stream_is_left(subject):
    with subject.ask("Hi", model=subject.router.upstream("endless"), stream=True) as stream:
        assert joined([next(stream) for _ in range(5)], "content")


def make(router):
    client = OpenRouter(api_key="unused", server_url=f"{router.root}/api/v1", retry_config=None, timeout_ms=20_000)
    return Subject(router, client)


if __name__ == "__main__":
    run(make)
