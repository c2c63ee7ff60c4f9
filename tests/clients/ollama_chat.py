"""What `ollama` sees of a router that it takes for an Ollama."""

from dataclasses import dataclass

import httpx
import ollama
from behaviours import LONG, THOUGHT, TOWN, WEATHER, City, Router, pixel, raised, run

TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather of a city", "parameters": WEATHER},
}


@dataclass
class Subject:
    """Who is asked for what."""

    router: Router
    client: ollama.Client

    def ask(self, *messages, model=None, **options):
        """The answer to messages; a text alone is the user's."""
        turns = [{"role": "user", "content": turn} if isinstance(turn, str) else turn for turn in messages]
        model = self.router.upstream(model) if model else self.router.model
        return self.client.chat(model, turns, **options)


def chat(subject):
    answer = subject.ask({"role": "system", "content": "Be brief."}, "Hello", options={"temperature": 0.5})
    assert answer.model == subject.router.model
    assert answer.message.role == "assistant"
    assert answer.message.content == "You said: Hello"
    assert answer.done and answer.done_reason == "stop"
    assert answer.prompt_eval_count > 0 and answer.eval_count > 0


def the_length_limit_is_told(subject):
    answer = subject.ask("one two three four", options={"num_predict": 3})
    assert answer.done_reason == "length" and answer.message.content == "You said: one"


def a_stream_says_the_same_as_a_whole_answer(subject):
    whole = subject.ask(LONG)
    chunks = list(subject.ask(LONG, stream=True))
    pieces = [chunk.message.content for chunk in chunks if chunk.message.content]
    assert len(pieces) > 3
    assert "".join(pieces) == whole.message.content
    assert [bool(chunk.done) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    last = chunks[-1]
    assert last.done_reason == "stop"
    assert (last.prompt_eval_count, last.eval_count) == (whole.prompt_eval_count, whole.eval_count)


def a_text_is_generated(subject):
    whole = subject.client.generate(subject.router.model, LONG)
    assert whole.response == f"You said: {LONG}" and whole.done
    pieces = [chunk.response for chunk in subject.client.generate(subject.router.model, LONG, stream=True)]
    assert len(pieces) > 3 and "".join(pieces) == whole.response


def a_tool_loop_closes(subject):
    question = {"role": "user", "content": "How is the weather in Oslo?"}

    def put_together(*messages, **options):
        chunks = list(subject.ask(*messages, stream=True, **options))
        content = "".join(chunk.message.content or "" for chunk in chunks)
        calls = [call for chunk in chunks for call in chunk.message.tool_calls or []]
        return ollama.Message(role="assistant", content=content, tool_calls=calls or None)

    for ask in [lambda *m, **o: subject.ask(*m, **o).message, put_together]:
        called = ask(question, tools=[TOOL])
        [call] = called.tool_calls
        assert call.function.name == "weather" and call.function.arguments == {"city": "Oslo"}
        result = {"role": "tool", "tool_name": "weather", "content": "Rain, 7 degrees"}
        assert ask(question, called, result, tools=[TOOL]).content == "The tool said: Rain, 7 degrees"


def an_image_arrives(subject):
    message = {"role": "user", "content": "What is this?", "images": [pixel()]}
    assert subject.ask(message).message.content == "You said: What is this? I see 1 image."


def an_answer_has_the_shape_that_was_asked_for(subject):
    answer = subject.ask("A city!", format=City.model_json_schema())
    assert City.model_validate_json(answer.message.content) == TOWN


def thoughts_are_shown_and_taken(subject):
    question = {"role": "user", "content": "What is 3 + 4?"}
    whole = subject.ask(question, model="thinking", think=True).message
    assert whole.thinking == THOUGHT and whole.content == "You said: What is 3 + 4?"
    chunks = subject.ask(question, model="thinking", think=True, stream=True)
    thoughts = [chunk.message.thinking for chunk in chunks if chunk.message.thinking]
    assert len(thoughts) > 1 and "".join(thoughts) == THOUGHT
    # The format has no place for what proves a thought.
    answer = subject.ask(question, whole, "Sure?", model="thinking", think=True)
    assert answer.message.content == "You said: Sure?"


def models_are_listed_and_shown(subject):
    listed = {model.model for model in subject.client.list().models}
    assert subject.router.model in listed, listed
    shown = subject.client.show(subject.router.model)
    assert "completion" in shown.capabilities, shown


def texts_are_embedded(subject):
    model = subject.router.upstream("embedding")
    ask = lambda given: subject.client.embed(model, given, dimensions=3)
    if subject.router.provider == "test-anthropic":
        # Who has no vectors is said to have none.
        error = raised(ollama.ResponseError, lambda: ask("one"))
        assert 400 <= error.status_code < 500 and "embed" in error.error, error
        return
    one, both = ask("one"), ask(["one", "two"])
    assert both.model == model and both.prompt_eval_count > 0
    assert [len(vector) for vector in both.embeddings] == [3, 3]
    assert both.embeddings[0] == one.embeddings[0] != both.embeddings[1]


def a_version_is_told(subject):
    # The client has no call for it; other tools ask for it first.
    version = httpx.get(f"{subject.router.root}/api/version").json()["version"]
    assert tuple(map(int, version.split("."))) >= (0, 9), version


def a_rate_limit_is_told(subject):
    # A model for each: one that was refused is left alone for as long as it asked.
    limited = [
        lambda: subject.ask("Hi", model="limited"),
        lambda: list(subject.ask("Hi", model="limited-too", stream=True)),
    ]
    for ask in limited:
        error = raised(ollama.ResponseError, ask)
        assert error.status_code == 429 and isinstance(error.error, str) and error.error, error


def a_failing_provider_is_told(subject):
    failing = [
        lambda: subject.ask("Hi", model="failing"),
        lambda: list(subject.ask("Hi", model="failing", stream=True)),
    ]
    for ask in failing:
        error = raised(ollama.ResponseError, ask)
        assert error.status_code == 502 and isinstance(error.error, str) and error.error, error


def a_stream_that_breaks_raises(subject):
    told = []
    stream = subject.ask("Hi", model="breaking", stream=True)
    error = raised(ollama.ResponseError, lambda: told.extend(chunk.message.content or "" for chunk in stream))
    assert isinstance(error.error, str) and error.error and "".join(told).startswith("a"), (error, told)


def an_unknown_model_is_the_clients_fault(subject):
    question = {"role": "user", "content": "Hi"}
    # Without a message it is asked to load the model.
    for messages in [[question], []]:
        error = raised(ollama.ResponseError, lambda: subject.client.chat(f"{subject.router.model}x", messages))
        assert error.status_code == 400 and subject.router.model in error.error, error
    error = raised(ollama.ResponseError, lambda: subject.client.show(f"{subject.router.model}x"))
    assert error.status_code == 404 and error.error, error


def a_stream_is_left(subject):
    stream = subject.ask("Hi", model="endless", stream=True)
    assert next(stream).message.content
    stream.close()


def make(router):
    return Subject(router, ollama.Client(host=router.root, timeout=20))


if __name__ == "__main__":
    run(make)
