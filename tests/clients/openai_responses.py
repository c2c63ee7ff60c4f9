"""What `openai` sees of a router's responses."""

import json
from dataclasses import dataclass

import openai
from behaviours import LONG, THOUGHT, TOWN, WEATHER, City, Router, pixel_base64, raised, run
from openai import OpenAI

TOOL = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city",
    "parameters": WEATHER,
    "strict": True,
}


@dataclass
class Subject:
    """Who is asked for what."""

    router: Router
    client: OpenAI

    def request(self, said, options):
        return {"model": self.router.model, "input": said, "store": False} | options

    def ask(self, said, **options):
        return self.client.responses.create(**self.request(said, options))

    def stream(self, said, **options):
        """All events of an answer."""
        return list(self.ask(said, stream=True, **options))


def chat(subject):
    answer = subject.ask("Hello", instructions="Be brief.", temperature=0.5)
    assert answer.object == "response" and answer.status == "completed"
    assert answer.model == subject.router.model
    assert answer.error is None and answer.store is False
    assert answer.output_text == "You said: Hello"
    [item] = answer.output
    assert item.type == "message" and item.role == "assistant" and item.status == "completed"
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


def every_turn_of_a_conversation_is_taken(subject):
    one = {"role": "user", "content": "One"}
    first = subject.ask([one])
    two = {"role": "user", "content": [{"type": "input_text", "text": "Two"}]}
    answer = subject.ask([{"role": "developer", "content": "Be brief."}, one, *first.output, two])
    assert answer.output_text == "You said: Two"


def the_length_limit_is_told(subject):
    # The fewest tokens that OpenAI takes.
    answer = subject.ask(" ".join(["word"] * 30), max_output_tokens=16)
    assert answer.status == "incomplete"
    assert answer.incomplete_details.reason == "max_output_tokens"
    assert answer.output_text.startswith("You said: word")


def a_stream_says_the_same_as_a_whole_answer(subject):
    whole = subject.ask(LONG)
    events = subject.stream(LONG)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    pieces = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(pieces) > 3
    assert "".join(pieces) == whole.output_text
    types = [event.type for event in events]
    once = [kind for at, kind in enumerate(types) if at == 0 or types[at - 1] != kind]
    assert once == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ], once
    answer = events[-1].response
    assert answer.output_text == whole.output_text and answer.usage == whole.usage


def the_client_puts_a_stream_together(subject):
    with subject.client.responses.stream(**subject.request("Hello", {})) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        answer = stream.get_final_response()
    assert len(deltas) > 1 and "".join(deltas) == answer.output_text == "You said: Hello"


def a_tool_loop_closes(subject):
    question = {"role": "user", "content": "How is the weather in Oslo?"}
    for ask in [subject.ask, lambda said, **options: subject.stream(said, **options)[-1].response]:
        first = ask([question], tools=[TOOL])
        [call] = [item for item in first.output if item.type == "function_call"]
        assert call.call_id and call.name == "weather" and call.status == "completed"
        assert json.loads(call.arguments) == {"city": "Oslo"}
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "Rain, 7 degrees"}
        second = ask([question, *first.output, result], tools=[TOOL])
        assert second.output_text == "The tool said: Rain, 7 degrees"


def arguments_come_in_bits(subject):
    events = subject.stream("How is the weather in Oslo?", tools=[TOOL])
    bits = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    [done] = [event for event in events if event.type == "response.function_call_arguments.done"]
    # Gemini tells the arguments of a call at once.
    assert len(bits) > 1 or subject.router.provider == "test-gemini"
    assert "".join(bits) == done.arguments
    assert json.loads(done.arguments) == {"city": "Oslo"}


def an_image_arrives(subject):
    url = f"data:image/png;base64,{pixel_base64()}"
    content = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": url, "detail": "auto"},
    ]
    answer = subject.ask([{"role": "user", "content": content}])
    assert answer.output_text == "You said: What is this? I see 1 image."


def an_answer_has_the_shape_that_was_asked_for(subject):
    answer = subject.client.responses.parse(**subject.request("A city!", {"text_format": City}))
    assert answer.output_parsed == TOWN


def thoughts_are_shown_and_come_back(subject):
    options = {
        "model": subject.router.upstream("thinking"),
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "low", "summary": "auto"},
    }
    question = {"role": "user", "content": "What is 3 + 4?"}
    whole = subject.ask([question], **options)
    events = subject.stream([question], **options)
    for answer in [whole, events[-1].response]:
        # What proves the text of a provider that signs texts stands behind it.
        thought, message, *proofs = answer.output
        assert [item.type for item in proofs] == ["reasoning"] * (subject.router.provider == "test-gemini")
        assert thought.type == "reasoning" and message.type == "message"
        shown = [part.text for part in [*(thought.content or []), *thought.summary]]
        assert THOUGHT in shown, thought
        if subject.router.provider == "test-anthropic":
            assert thought.encrypted_content, "Anthropic's signature is to come back"
        # Some clients know OpenAI's fields alone.
        bare = [item.model_dump(exclude={"signature", "format"}, exclude_none=True) for item in answer.output]
        for said in [answer.output, bare]:
            turns = [question, *said, {"role": "user", "content": "Sure?"}]
            assert subject.ask(turns, **options).output_text == "You said: Sure?"
    assert len([event for event in events if event.type.startswith("response.reasoning")]) > 1


def nothing_is_stored(subject):
    stateful = {"store": True, "previous_response_id": "resp_1"}
    for field, value in stateful.items():
        error = raised(openai.BadRequestError, lambda: subject.ask("Hi", **{field: value}))
        assert error.param == field, error.body


def a_rate_limit_is_a_rate_limit(subject):
    # A model for each: one that was refused is left alone for as long as it asked.
    for model, stream in [("limited", False), ("limited-too", True)]:
        ask = lambda: subject.ask("Hi", model=subject.router.upstream(model), stream=stream)
        error = raised(openai.RateLimitError, ask)
        assert error.status_code == 429 and error.response.headers["retry-after"] == "7"


def a_failing_provider_is_a_server_error(subject):
    for stream in [False, True]:
        ask = lambda: subject.ask("Hi", model=subject.router.upstream("failing"), stream=stream)
        error = raised(openai.InternalServerError, ask)
        assert error.status_code == 502


def a_stream_that_breaks_tells_so(subject):
    events = []
    stream = subject.ask("Hi", model=subject.router.upstream("breaking"), stream=True)
    try:
        events.extend(stream)
    except openai.APIError as error:
        assert error.message
    else:
        assert events[-1].type == "response.failed", events[-1]
        assert events[-1].response.status == "failed" and events[-1].response.error.message
    assert any(event.type == "response.output_text.delta" for event in events)


def a_stream_is_left(subject):
    with subject.ask("Hi", model=subject.router.upstream("endless"), stream=True) as stream:
        assert next(event for event in stream if event.type == "response.output_text.delta")


def make(router):
    client = OpenAI(base_url=f"{router.root}/v1", api_key="unused", max_retries=0, timeout=20)
    return Subject(router, client)


if __name__ == "__main__":
    run(make)
