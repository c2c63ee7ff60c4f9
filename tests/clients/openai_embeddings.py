"""What the official client sees of a router's embeddings, one function for each
behaviour.

Called with the router's base URL and a model whose provider answers [1, 0.5] and
[0.25, -1] to any two texts. Prints the name of each behaviour once it has held.
"""

import inspect
import sys

import openai
from openai import OpenAI

TEXTS = ["one text", "and another"]
VECTORS = [[1.0, 0.5], [0.25, -1.0]]


def vectors_come_as_the_client_likes_them(client, model):
    # The client itself asks for base64, and unpacks it.
    answer = client.embeddings.create(model=model, input=TEXTS)
    assert [item.embedding for item in answer.data] == VECTORS, answer
    assert [item.index for item in answer.data] == [0, 1]
    assert answer.model == model and answer.usage.prompt_tokens == 5


def vectors_come_as_numbers(client, model):
    raw = client.embeddings.with_raw_response.create(
        model=model, input=TEXTS, encoding_format="float"
    )
    assert raw.headers["x-generation-id"].startswith("gen-")
    assert [item.embedding for item in raw.parse().data] == VECTORS


def the_cost_is_told(client, model):
    usage = client.embeddings.create(model=model, input=TEXTS, dimensions=2).usage
    assert usage.total_tokens == 5 and usage.cost == 0.00001, usage


def what_is_wrong_is_named(client, model):
    try:
        client.embeddings.create(model=model, input=["a", 1])
    except openai.BadRequestError as error:
        assert error.param == "input[1]", error
    else:
        raise AssertionError("a number is no text")


def main():
    base_url, model = sys.argv[1:]
    client = OpenAI(base_url=base_url, api_key="none", max_retries=0)
    for name, behaviour in list(globals().items()):
        takes = inspect.isfunction(behaviour) and list(inspect.signature(behaviour).parameters)
        if takes == ["client", "model"]:
            behaviour(client, model)
            print("ok", name, flush=True)


if __name__ == "__main__":
    main()
