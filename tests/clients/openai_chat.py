"""What `openai` sees of a router's chat completions."""

import asyncio
import json
from dataclasses import dataclass
from decimal import Decimal

import openai
from behaviours import LONG, THOUGHT, TOWN, WEATHER, City, Router, pixel_base64, raised, run
from openai import AsyncOpenAI, OpenAI

TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather of a city", "parameters": WEATHER},
}


@dataclass
class Subject:
    """Who is asked for what."""

    router: Router
    client: OpenAI

    def ask(self, text, **options):
        return self.client.chat.completions.create(**self.request(text, options))

    def request(self, text, options=None):
        request = {"model": self.router.model, "messages": [{"role": "user", "content": text}]}
        return request | (options or {})

    def fail(self, expected, model, **options):
        """The error with which a request for one of the provider's models ends."""
        error = raised(openai.APIError, lambda: self.ask("Hi", model=self.router.upstream(model), **options))
        assert type(error) is expected, repr(error)
        return error


def chat(subject):
    answer = subject.ask("Hello")
    assert answer.object == "chat.completion"
    assert answer.model == subject.router.model
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
    whole = subject.ask(LONG)
    chunks = list(subject.ask(LONG, stream=True, stream_options={"include_usage": True}))
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
    first = subject.ask("", messages=messages, tools=[TOOL]).choices[0]
    assert first.finish_reason == "tool_calls"
    [call] = first.message.tool_calls
    assert call.type == "function" and call.function.name == "weather"
    assert json.loads(call.function.arguments) == {"city": "Oslo"}

    result = {"role": "tool", "tool_call_id": call.id, "content": "Rain, 7 degrees"}
    second = subject.ask("", messages=[*messages, first.message, result], tools=[TOOL]).choices[0]
    assert second.finish_reason == "stop"
    assert second.message.content == "The tool said: Rain, 7 degrees"


def a_tool_is_called_in_a_stream(subject):
    request = subject.request("How is the weather in Oslo?", {"tools": [TOOL]})
    with subject.client.chat.completions.stream(**request) as stream:
        bits = [event for event in stream if event.type == "tool_calls.function.arguments.delta"]
        choice = stream.get_final_completion().choices[0]
    # Gemini tells the arguments of a call at once.
    assert len(bits) > 1 or subject.router.provider == "test-gemini"
    assert choice.finish_reason == "tool_calls"
    [call] = choice.message.tool_calls
    assert call.id and call.function.name == "weather"
    assert json.loads(call.function.arguments) == {"city": "Oslo"}

    # The loop closes over what the client put together, as well.
    spoken = choice.message.model_dump(include={"role", "content", "tool_calls"})
    result = {"role": "tool", "tool_call_id": call.id, "content": "Snow"}
    answer = subject.ask("", messages=[*request["messages"], spoken, result], tools=[TOOL])
    assert answer.choices[0].message.content == "The tool said: Snow"


def a_chosen_tool_is_called(subject):
    other = {"type": "function", "function": {"name": "other", "parameters": {"type": "object", "properties": {}}}}
    choice = {"type": "function", "function": {"name": "weather"}}
    answer = subject.ask("Hi", tools=[other, TOOL], tool_choice=choice)
    assert answer.choices[0].message.tool_calls[0].function.name == "weather"
    answer = subject.ask("Hi", tools=[other, TOOL], tool_choice="none")
    assert answer.choices[0].message.tool_calls is None


def an_image_arrives(subject):
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel_base64()}"}},
    ]
    answer = subject.ask("", messages=[{"role": "user", "content": content}])
    assert answer.choices[0].message.content == "You said: What is this? I see 1 image."


def an_answer_has_the_shape_that_was_asked_for(subject):
    answer = subject.client.chat.completions.parse(**subject.request("A city!"), response_format=City)
    assert answer.choices[0].message.parsed == TOWN

    request = subject.request("A city!", {"response_format": City})
    with subject.client.chat.completions.stream(**request) as stream:
        answer = stream.get_final_completion()
    assert answer.choices[0].message.parsed == TOWN


def json_mode_is_taken(subject):
    answer = subject.ask("Answer in JSON!", response_format={"type": "json_object"})
    content = answer.choices[0].message.content
    if subject.router.provider == "test-anthropic":
        # Anthropic's format has no such mode: the model is asked in words, and
        # the simulated one does not understand them.
        assert content == "You said: Answer in JSON!"
    else:
        assert json.loads(content) == {"answer": "You said: Answer in JSON!"}


def usage_and_cost_add_up(subject):
    [model] = [model for model in subject.client.models.list() if model.id == subject.router.model]
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
    model = models[subject.router.model]
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
        assert error.body["metadata"]["provider_name"] == subject.router.provider


def a_stream_that_breaks_raises(subject):
    stream = subject.ask("Hi", model=subject.router.upstream("breaking"), stream=True)
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


def thoughts_are_shown_and_come_back(subject):
    model = subject.router.upstream("thinking")
    asked = {"role": "user", "content": "What is 3 + 4?"}
    options = {"model": model, "extra_body": {"reasoning": {"max_tokens": 1024}}}
    message = subject.ask("", messages=[asked], **options).choices[0].message
    assert message.reasoning == THOUGHT
    detail = message.reasoning_details[0]
    assert detail["type"] == "reasoning.text" and detail["text"] == THOUGHT, detail

    chunks = list(subject.ask("", messages=[asked], stream=True, **options))
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    thoughts = [text for delta in deltas if (text := getattr(delta, "reasoning", None))]
    assert len(thoughts) > 1 and "".join(thoughts) == THOUGHT, thoughts

    messages = [asked, message.model_dump(exclude_none=True), {"role": "user", "content": "Are you sure?"}]
    answer = subject.ask("", messages=messages, **options)
    assert answer.choices[0].message.content == "You said: Are you sure?"


def an_unknown_model_is_the_clients_fault(subject):
    try:
        subject.ask("Hi", model=f"{subject.router.model}x")
    except openai.BadRequestError as error:
        assert error.body["metadata"]["code"] == "model_not_found"
        assert error.param == "model"
        assert f"`{subject.router.model}`" in error.message, error.message
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


def a_stream_is_left(subject):
    with subject.ask("Hi", model=subject.router.upstream("endless"), stream=True) as stream:
        assert "".join(next(stream).choices[0].delta.content or "" for _ in range(5))


def a_task_is_cancelled(subject):
    async def leave():
        root = f"{subject.router.root}/v1"
        async with AsyncOpenAI(base_url=root, api_key="unused", max_retries=0, timeout=20) as client:
            request = subject.request("Hi", {"model": subject.router.upstream("endless"), "stream": True})
            stream = await client.chat.completions.create(**request)
            began = asyncio.Event()

            async def read():
                async for _ in stream:
                    began.set()

            reading = asyncio.create_task(read())
            await began.wait()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            assert reading.cancelled()

    asyncio.run(leave())


def make(router):
    client = OpenAI(base_url=f"{router.root}/v1", api_key="unused", max_retries=0, timeout=20)
    return Subject(router, client)


if __name__ == "__main__":
    run(make)
