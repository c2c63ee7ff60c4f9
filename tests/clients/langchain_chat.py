"""What `langchain-openai` sees of a router."""

from dataclasses import dataclass

import openai
from behaviours import LONG, TOWN, WEATHER, City, Router, pixel_base64, raised, run
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI

TOOL = {"title": "weather", "description": "The weather of a city"} | WEATHER


@dataclass
class Subject:
    """Who is asked for what."""

    router: Router

    def model(self, name=None):
        """A model that the router lists, or one of the provider's."""
        name = self.router.upstream(name) if name else self.router.model
        root = f"{self.router.root}/v1"
        return ChatOpenAI(base_url=root, api_key="unused", model=name, max_retries=0, timeout=20, stream_usage=True)


def chat(subject):
    answer = subject.model().invoke([SystemMessage("Be brief."), HumanMessage("Hello")])
    assert answer.content == "You said: Hello"
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.response_metadata["model_name"] == subject.router.model
    usage = answer.usage_metadata
    assert usage["input_tokens"] > 0 and usage["output_tokens"] > 0
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def joined(chunks):
    """A message out of its chunks."""
    message = chunks[0]
    for chunk in chunks[1:]:
        message += chunk
    return message


def a_stream_says_the_same_as_a_whole_answer(subject):
    whole = subject.model().invoke(LONG)
    chunks = list(subject.model().stream(LONG))
    assert sum(bool(chunk.content) for chunk in chunks) > 3
    message = joined(chunks)
    assert isinstance(message, AIMessageChunk)
    assert message.content == whole.content
    assert message.response_metadata["finish_reason"] == "stop"
    assert message.usage_metadata == whole.usage_metadata


def a_tool_loop_closes(subject):
    model = subject.model().bind_tools([TOOL])
    question = HumanMessage("How is the weather in Oslo?")
    for ask in [model.invoke, lambda messages: joined(list(model.stream(messages)))]:
        called = ask([question])
        assert called.response_metadata["finish_reason"] == "tool_calls"
        [call] = called.tool_calls
        assert call["name"] == "weather" and call["args"] == {"city": "Oslo"}
        result = ToolMessage("Rain, 7 degrees", tool_call_id=call["id"])
        assert ask([question, called, result]).content == "The tool said: Rain, 7 degrees"


def an_image_arrives(subject):
    image = {"type": "image", "base64": pixel_base64(), "mime_type": "image/png"}
    answer = subject.model().invoke([HumanMessage([{"type": "text", "text": "What is this?"}, image])])
    assert answer.content == "You said: What is this? I see 1 image."


def an_answer_has_the_shape_that_was_asked_for(subject):
    assert subject.model().with_structured_output(City, method="json_schema").invoke("A city!") == TOWN
    by_call = subject.model().with_structured_output(City, method="function_calling")
    assert by_call.invoke("A city!") == TOWN


def a_rate_limit_is_a_rate_limit(subject):
    error = raised(openai.RateLimitError, lambda: subject.model("limited").invoke("Hi"))
    assert error.status_code == 429 and error.response.headers["retry-after"] == "7"
    raised(openai.RateLimitError, lambda: list(subject.model("limited-too").stream("Hi")))


def a_failing_provider_is_a_server_error(subject):
    for ask in [subject.model("failing").invoke, lambda text: list(subject.model("failing").stream(text))]:
        error = raised(openai.InternalServerError, lambda: ask("Hi"))
        assert error.status_code == 502
        assert error.body["metadata"]["error_type"] == "provider_unavailable"


def a_stream_that_breaks_raises(subject):
    chunks = []
    error = raised(openai.APIError, lambda: chunks.extend(subject.model("breaking").stream("Hi")))
    assert error.message and joined(chunks).content.startswith("a"), error


def a_stream_is_left(subject):
    stream = subject.model("endless").stream("Hi")
    assert joined([next(stream) for _ in range(5)]).content
    stream.close()


if __name__ == "__main__":
    run(Subject)
