"""What `anthropic` sees of a router's messages."""

from dataclasses import dataclass

import anthropic
from anthropic import Anthropic
from behaviours import LONG, THOUGHT, TOWN, WEATHER, City, Router, pixel_base64, raised, run

TOOL = {"name": "weather", "description": "The weather of a city", "input_schema": WEATHER}

# Enough for any answer here, and for thinking.
MAX_TOKENS = 4096

THINKING = {"type": "enabled", "budget_tokens": 1024}

# What is asked for beside the version of the API. Whoever has it must be asked for it.
BETA = "context-1m-2025-08-07"


@dataclass
class Subject:
    """Who is asked for what."""

    router: Router
    client: Anthropic

    def request(self, *messages, **options):
        """What asks for the answer to messages; a text alone is the user's."""
        turns = [{"role": "user", "content": turn} if isinstance(turn, str) else turn for turn in messages]
        return {"model": self.router.model, "max_tokens": MAX_TOKENS, "messages": turns} | options

    def ask(self, *messages, **options):
        return self.client.messages.create(**self.request(*messages, **options))

    def stream(self, *messages, **options):
        return self.client.messages.stream(**self.request(*messages, **options))


def chat(subject):
    answer = subject.ask("Hello", system="Be brief.")
    assert answer.type == "message" and answer.role == "assistant"
    assert answer.model == subject.router.model
    [block] = answer.content
    assert block.type == "text" and block.text == "You said: Hello"
    assert answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0


def every_turn_of_a_conversation_is_taken(subject):
    said = {"role": "assistant", "content": [{"type": "text", "text": "Two"}]}
    marked = [{"type": "text", "text": "Three", "cache_control": {"type": "ephemeral"}}]
    system = [{"type": "text", "text": "Be brief."}]
    turns = ["One", said, {"role": "user", "content": marked}]
    answer = subject.ask(*turns, system=system, stop_sequences=["END"], extra_body={"temperature": 0.5})
    assert answer.content[0].text == "You said: Three"


def the_length_limit_is_told(subject):
    answer = subject.ask("one two three four", max_tokens=3)
    assert answer.stop_reason == "max_tokens"
    assert answer.content[0].text == "You said: one"
    assert answer.usage.output_tokens == 3


def a_stream_says_the_same_as_a_whole_answer(subject):
    whole = subject.ask(LONG)
    with subject.stream(LONG) as stream:
        events = list(stream)
        answer = stream.get_final_message()
    pieces = [event.text for event in events if event.type == "text"]
    assert len(pieces) > 3
    assert "".join(pieces) == answer.content[0].text == whole.content[0].text
    assert answer.stop_reason == whole.stop_reason == "end_turn"
    assert answer.usage.input_tokens == whole.usage.input_tokens
    assert answer.usage.output_tokens == whole.usage.output_tokens


def events_come_in_their_order(subject):
    types = [event.type for event in subject.ask(LONG, stream=True)]
    once = [kind for at, kind in enumerate(types) if at == 0 or types[at - 1] != kind]
    assert once == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ], once


def a_tool_loop_closes(subject):
    question = {"role": "user", "content": "How is the weather in Oslo?"}

    def put_together(*messages, **options):
        with subject.stream(*messages, **options) as stream:
            return stream.get_final_message()

    for ask in [subject.ask, put_together]:
        first = ask(question, tools=[TOOL])
        assert first.stop_reason == "tool_use"
        [call] = [block for block in first.content if block.type == "tool_use"]
        assert call.id and call.name == "weather" and call.input == {"city": "Oslo"}
        said = {"role": "assistant", "content": first.content}
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "Rain, 7 degrees"}
        second = ask(question, said, {"role": "user", "content": [result]}, tools=[TOOL])
        assert second.stop_reason == "end_turn"
        assert second.content[0].text == "The tool said: Rain, 7 degrees"


def input_comes_in_bits(subject):
    with subject.stream("How is the weather in Oslo?", tools=[TOOL]) as stream:
        bits = [event.partial_json for event in stream if event.type == "input_json"]
    # Gemini tells the input of a call at once.
    assert len(bits) > 1 or subject.router.provider == "test-gemini"
    assert "".join(bits) == '{"city":"Oslo"}', bits


def a_chosen_tool_is_called(subject):
    other = {"name": "other", "input_schema": {"type": "object", "properties": {}}}
    answer = subject.ask("Hi", tools=[other, TOOL], tool_choice={"type": "tool", "name": "weather"})
    assert answer.content[0].name == "weather"
    answer = subject.ask("Hi", tools=[other, TOOL], tool_choice={"type": "none"})
    assert answer.content[0].text == "You said: Hi"


def an_image_arrives(subject):
    source = {"type": "base64", "media_type": "image/png", "data": pixel_base64()}
    content = [{"type": "text", "text": "What is this?"}, {"type": "image", "source": source}]
    answer = subject.ask({"role": "user", "content": content})
    assert answer.content[0].text == "You said: What is this? I see 1 image."


def an_answer_has_the_shape_that_was_asked_for(subject):
    answer = subject.client.messages.parse(**subject.request("A city!"), output_format=City)
    assert answer.parsed_output == TOWN


def thoughts_are_shown_and_come_back(subject):
    options = {"model": subject.router.upstream("thinking"), "thinking": THINKING}
    question = {"role": "user", "content": "What is 3 + 4?"}
    whole = subject.ask(question, **options)
    with subject.stream(question, **options) as stream:
        thoughts = [event.thinking for event in stream if event.type == "thinking"]
        streamed = stream.get_final_message()
    assert len(thoughts) > 1 and "".join(thoughts) == THOUGHT
    for answer in [whole, streamed]:
        # What proves the text of a provider that signs texts stands behind it.
        thought, text, *proofs = answer.content
        assert [block.type for block in proofs] == ["redacted_thinking"] * (subject.router.provider == "test-gemini")
        assert thought.type == "thinking" and thought.thinking == THOUGHT
        # Signed by Anthropic alone; the simulator looks at it when it comes back.
        assert thought.signature or subject.router.provider != "test-anthropic"
        assert text.text == "You said: What is 3 + 4?"
        said = {"role": "assistant", "content": answer.content}
        assert subject.ask(question, said, "Sure?", **options).content[0].type == "thinking"


def tokens_are_counted(subject):
    request = subject.request("How many are these?")
    del request["max_tokens"]
    counted = subject.client.messages.count_tokens(**request)
    assert counted.input_tokens > 0


def a_token_is_as_good_as_a_key(subject):
    with connect(subject.router, auth_token="unused") as client:
        answer = client.messages.create(**subject.request("Hello"))
    assert answer.content[0].text == "You said: Hello"


def a_beta_is_asked_for(subject):
    request = subject.request("Hello")
    whole = subject.client.beta.messages.create(**request, betas=[BETA])
    with subject.client.beta.messages.stream(**request, betas=[BETA]) as stream:
        streamed = stream.get_final_message()
    for answer in [whole, streamed]:
        assert answer.content[0].text == "You said: Hello"
    del request["max_tokens"]
    assert subject.client.beta.messages.count_tokens(**request, betas=[BETA]).input_tokens > 0


def a_rate_limit_is_a_rate_limit(subject):
    # A model for each: one that was refused is left alone for as long as it asked.
    for model, stream in [("limited", False), ("limited-too", True)]:
        ask = lambda: subject.ask("Hi", model=subject.router.upstream(model), stream=stream)
        error = raised(anthropic.RateLimitError, ask)
        assert error.status_code == 429
        assert error.response.headers["retry-after"] == "7"
        assert error.body["type"] == "error"
        assert error.body["error"]["type"] == error.type == "rate_limit_error"
        assert error.body["error"]["message"]


def a_failing_provider_is_a_server_error(subject):
    for stream in [False, True]:
        ask = lambda: subject.ask("Hi", model=subject.router.upstream("failing"), stream=stream)
        error = raised(anthropic.InternalServerError, ask)
        assert error.status_code >= 500
        assert error.body["error"]["type"] == "api_error"


def a_stream_that_breaks_raises(subject):
    told = ""

    def read():
        nonlocal told
        with subject.stream("Hi", model=subject.router.upstream("breaking")) as stream:
            for text in stream.text_stream:
                told += text

    error = raised(anthropic.APIStatusError, read)
    assert error.body["error"]["type"] == "api_error", error.body
    assert told.startswith("a"), told


def a_wrong_request_is_refused(subject):
    for field, value in {"model": f"{subject.router.model}x", "temperature": "hot", "max_tokens": -1, "messages": []}.items():
        error = raised(anthropic.BadRequestError, lambda: subject.ask("Hi", extra_body={field: value}))
        assert error.body["error"]["type"] == "invalid_request_error"
        assert field in error.body["error"]["message"], error.body


def a_stream_is_left(subject):
    with subject.stream("Hi", model=subject.router.upstream("endless")) as stream:
        assert next(stream.text_stream)


def connect(router, **credential):
    return Anthropic(base_url=router.root, max_retries=0, timeout=20, **credential)


def make(router):
    return Subject(router, connect(router, api_key="unused"))


if __name__ == "__main__":
    run(make)
