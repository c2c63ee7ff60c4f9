"""What `litellm` sees of a router that it takes for an OpenAI-compatible server."""

import json
import os
from dataclasses import dataclass

from behaviours import LONG, THOUGHT, TOWN, WEATHER, City, Router, pixel_base64, raised, run

# Else it asks the network for prices, several times, when it is imported.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm  # noqa: E402

TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather of a city", "parameters": WEATHER},
}


@dataclass
class Subject:
    """Who is asked for what."""

    router: Router

    def ask(self, *messages, upstream=None, **options):
        """The answer to messages; a text alone is the user's."""
        turns = [{"role": "user", "content": turn} if isinstance(turn, str) else turn for turn in messages]
        model = self.router.upstream(upstream) if upstream else self.router.model
        whom = {"api_base": f"{self.router.root}/v1", "api_key": "unused", "max_retries": 0, "timeout": 20}
        return litellm.completion(model=f"openai/{model}", messages=turns, **whom, **options)

    def stream(self, *messages, **options):
        return list(self.ask(*messages, stream=True, stream_options={"include_usage": True}, **options))


def chat(subject):
    answer = subject.ask({"role": "system", "content": "Be brief."}, "Hello")
    [choice] = answer.choices
    assert choice.message.content == "You said: Hello"
    assert choice.finish_reason == "stop"
    assert answer.usage.prompt_tokens > 0 and answer.usage.completion_tokens > 0
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def a_stream_says_the_same_as_a_whole_answer(subject):
    whole = subject.ask(LONG)
    chunks = subject.stream(LONG)
    pieces = [piece for chunk in chunks for choice in chunk.choices if (piece := choice.delta.content)]
    assert len(pieces) > 3
    assert "".join(pieces) == whole.choices[0].message.content
    ends = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert ends == ["stop"]
    assert litellm.stream_chunk_builder(chunks).usage.total_tokens == whole.usage.total_tokens


def a_tool_loop_closes(subject):
    question = {"role": "user", "content": "How is the weather in Oslo?"}
    together = lambda *messages, **options: litellm.stream_chunk_builder(subject.stream(*messages, **options))
    for ask in [subject.ask, together]:
        first = ask(question, tools=[TOOL]).choices[0]
        assert first.finish_reason == "tool_calls"
        [call] = first.message.tool_calls
        assert call.function.name == "weather"
        assert json.loads(call.function.arguments) == {"city": "Oslo"}
        result = {"role": "tool", "tool_call_id": call.id, "content": "Rain, 7 degrees"}
        # Its own fields are not for those that it asks.
        said = first.message.model_dump(include={"role", "content", "tool_calls"})
        second = ask(question, said, result, tools=[TOOL]).choices[0]
        assert second.message.content == "The tool said: Rain, 7 degrees"


def an_image_arrives(subject):
    url = f"data:image/png;base64,{pixel_base64()}"
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    answer = subject.ask({"role": "user", "content": content})
    assert answer.choices[0].message.content == "You said: What is this? I see 1 image."


def an_answer_has_the_shape_that_was_asked_for(subject):
    answer = subject.ask("A city!", response_format=City)
    assert City.model_validate_json(answer.choices[0].message.content) == TOWN


def thoughts_are_shown(subject):
    options = {"upstream": "thinking", "extra_body": {"reasoning": {"max_tokens": 1024}}}
    assert subject.ask("What is 3 + 4?", **options).choices[0].message.reasoning_content == THOUGHT
    together = litellm.stream_chunk_builder(subject.stream("What is 3 + 4?", **options))
    assert together.choices[0].message.reasoning_content == THOUGHT


def a_rate_limit_is_a_rate_limit(subject):
    # A model for each: one that was refused is left alone for as long as it asked.
    for model, stream in [("limited", False), ("limited-too", True)]:
        error = raised(litellm.RateLimitError, lambda: subject.ask("Hi", upstream=model, stream=stream))
        assert error.status_code == 429
        assert error.litellm_response_headers["retry-after"] == "7"


def a_failing_provider_is_a_bad_gateway(subject):
    for stream in [False, True]:
        error = raised(litellm.BadGatewayError, lambda: subject.ask("Hi", upstream="failing", stream=stream))
        assert error.status_code == 502


def a_stream_that_breaks_raises(subject):
    told = ""

    def read():
        nonlocal told
        for chunk in subject.ask("Hi", upstream="breaking", stream=True):
            told += chunk.choices[0].delta.content or ""

    error = raised(litellm.exceptions.MidStreamFallbackError, read)
    assert error.message and told.startswith("a"), told


def a_stream_is_left(subject):
    stream = subject.ask("Hi", upstream="endless", stream=True)
    assert "".join(next(stream).choices[0].delta.content or "" for _ in range(5))
    stream.completion_stream.close()


if __name__ == "__main__":
    run(Subject)
