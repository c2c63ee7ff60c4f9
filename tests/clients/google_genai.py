"""What `google-genai` sees of a router's Gemini API."""

from dataclasses import dataclass

from behaviours import LONG, THOUGHT, TOWN, WEATHER, City, Router, pixel, raised, run
from google import genai
from google.genai import errors, types

DECLARATION = {"name": "weather", "description": "The weather of a city", "parameters_json_schema": WEATHER}
TOOLS = {"tools": [{"function_declarations": [DECLARATION]}]}


@dataclass
class Subject:
    """Who is asked for what."""

    router: Router
    client: genai.Client

    def ask(self, contents, model=None, **config):
        model = self.router.upstream(model) if model else self.router.model
        return self.client.models.generate_content(model=model, contents=contents, config=config or None)

    def stream(self, contents, model=None, **config):
        model = self.router.upstream(model) if model else self.router.model
        return self.client.models.generate_content_stream(model=model, contents=contents, config=config or None)


def chat(subject):
    answer = subject.ask("Hello", system_instruction="Be brief.", temperature=0.5)
    assert answer.text == "You said: Hello"
    [candidate] = answer.candidates
    assert candidate.content.role == "model"
    assert candidate.finish_reason == types.FinishReason.STOP
    usage = answer.usage_metadata
    assert usage.prompt_token_count > 0 and usage.candidates_token_count > 0
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count


def a_chat_goes_on(subject):
    talk = subject.client.chats.create(model=subject.router.model)
    assert talk.send_message("One").text == "You said: One"
    assert "".join(chunk.text or "" for chunk in talk.send_message_stream("Two")) == "You said: Two"
    assert talk.send_message("Three").text == "You said: Three"


def the_length_limit_is_told(subject):
    answer = subject.ask("one two three four", max_output_tokens=3)
    assert answer.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert answer.text == "You said: one"


def a_stream_says_the_same_as_a_whole_answer(subject):
    whole = subject.ask(LONG)
    chunks = list(subject.stream(LONG))
    pieces = [chunk.text for chunk in chunks if chunk.text]
    assert len(pieces) > 3
    assert "".join(pieces) == whole.text
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert chunks[-1].usage_metadata.total_token_count == whole.usage_metadata.total_token_count


def a_tool_loop_closes(subject):
    question = types.UserContent("How is the weather in Oslo?")

    def put_together(contents, **config):
        chunks = list(subject.stream(contents, **config))
        parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts or []]
        return types.ModelContent(parts)

    for ask in [lambda *a, **c: subject.ask(*a, **c).candidates[0].content, put_together]:
        called = ask([question], **TOOLS)
        [call] = [part.function_call for part in called.parts if part.function_call]
        assert call.name == "weather" and call.args == {"city": "Oslo"}, call
        result = types.Part.from_function_response(name="weather", response={"result": "Rain, 7 degrees"})
        result.function_response.id = call.id
        answer = ask([question, called, types.UserContent([result])], **TOOLS)
        text = "".join(part.text or "" for part in answer.parts)
        assert text.startswith("The tool said: ") and "Rain, 7 degrees" in text, text


def the_client_runs_a_tool(subject):
    asked = []

    def weather(city: str) -> str:
        """The weather of a city"""
        asked.append(city)
        return "Snow"

    talk = subject.client.chats.create(model=subject.router.model, config={"tools": [weather]})
    answer = talk.send_message("How is the weather?")
    assert answer.text.startswith("The tool said: ") and "Snow" in answer.text, answer.text
    assert asked == ["text"]


def an_image_arrives(subject):
    image = types.Part.from_bytes(data=pixel(), mime_type="image/png")
    assert subject.ask(["What is this?", image]).text == "You said: What is this? I see 1 image."


def an_answer_has_the_shape_that_was_asked_for(subject):
    answer = subject.ask("A city!", response_mime_type="application/json", response_schema=City)
    assert answer.parsed == TOWN


def thoughts_are_shown_and_come_back(subject):
    config = {"thinking_config": {"include_thoughts": True, "thinking_budget": 1024}}
    question = types.UserContent("What is 3 + 4?")
    whole = subject.ask([question], model="thinking", **config).candidates[0].content
    thought, text = whole.parts
    assert thought.thought and thought.text == THOUGHT
    assert not text.thought and text.text == "You said: What is 3 + 4?"
    parts = [
        part
        for chunk in subject.stream([question], model="thinking", **config)
        for part in chunk.candidates[0].content.parts or []
    ]
    thoughts = [part.text for part in parts if part.thought and part.text]
    assert len(thoughts) > 1 and "".join(thoughts) == THOUGHT
    for said in [whole, types.ModelContent(parts)]:
        answer = subject.ask([question, said, types.UserContent("Sure?")], model="thinking", **config)
        assert answer.text == "You said: Sure?"


def tokens_are_counted(subject):
    counted = subject.client.models.count_tokens(model=subject.router.model, contents="How many are these?")
    assert counted.total_tokens > 0


def texts_are_embedded(subject):
    model = subject.router.upstream("embedding")
    config = {"output_dimensionality": 3}
    ask = lambda *texts: subject.client.models.embed_content(model=model, contents=list(texts), config=config)
    if subject.router.provider == "test-anthropic":
        # Who has no vectors is said to have none.
        error = raised(errors.ClientError, lambda: ask("one"))
        assert "embed" in error.message, error
        return
    [one], both = ask("one").embeddings, ask("one", "two").embeddings
    assert [len(it.values) for it in both] == [3, 3]
    assert both[0].values == one.values != both[1].values


def a_rate_limit_is_a_client_error(subject):
    # A model for each: one that was refused is left alone for as long as it asked.
    for ask in [lambda: subject.ask("Hi", model="limited"), lambda: list(subject.stream("Hi", model="limited-too"))]:
        error = raised(errors.ClientError, ask)
        assert error.code == 429 and error.status == "RESOURCE_EXHAUSTED", error
        assert error.message


def a_failing_provider_is_a_server_error(subject):
    for ask in [lambda: subject.ask("Hi", model="failing"), lambda: list(subject.stream("Hi", model="failing"))]:
        error = raised(errors.ServerError, ask)
        assert error.code >= 500 and error.status and error.message, error


def a_stream_that_breaks_raises(subject):
    told = []
    read = lambda: told.extend(chunk.text or "" for chunk in subject.stream("Hi", model="breaking"))
    error = raised(errors.APIError, read)
    assert error.message and "".join(told).startswith("a"), told


def an_unknown_model_is_the_clients_fault(subject):
    ask = lambda: subject.client.models.generate_content(model=f"{subject.router.model}x", contents="Hi")
    error = raised(errors.ClientError, ask)
    assert error.code == 400 and subject.router.model in error.message, error


def a_stream_is_left(subject):
    stream = subject.stream("Hi", model="endless")
    assert next(stream).text
    stream.close()


def make(router):
    options = types.HttpOptions(base_url=router.root, timeout=20_000, retry_options={"attempts": 1})
    return Subject(router, genai.Client(api_key="unused", vertexai=False, http_options=options))


if __name__ == "__main__":
    run(make)
