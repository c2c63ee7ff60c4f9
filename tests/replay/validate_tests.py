"""The validator judged, against a small description of an API and hand-written answers."""

import base64
import collections
import json
import sys
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import validate  # noqa: E402

DESCRIPTION = """
components:
  schemas:
    Choice:
      type: object
      required: [finish]
      properties:
        finish: {type: string, enum: [stop], nullable: true}
        words: {nullable: true, oneOf: [{type: array, items: {type: string}}]}
        part:
          oneOf:
            - {required: [a], properties: {type: {const: first}}}
            - {required: [b, c], properties: {type: {const: second}}}
    Chunk:
      type: object
      required: [data]
      properties: {data: {$ref: '#/components/schemas/Choice'}}
paths:
  /ask:
    post:
      responses:
        '200':
          content:
            application/json: {schema: {$ref: '#/components/schemas/Choice'}}
            text/event-stream: {schema: {$ref: '#/components/schemas/Chunk'}}
        '400':
          content:
            application/json: {schema: {type: object, required: [error]}}
"""


def flaws(body, status=200, kind="application/json"):
    answer = {
        "status": status,
        "headers": [["content-type", kind]],
        "body_base64": base64.b64encode(body.encode()).decode(),
    }
    schemas = validate.Schemas(DESCRIPTION)
    checked = collections.Counter()
    return [said for _, said in validate.validate(schemas, "/ask", answer, checked, ("a", "b"))]


class Validation(unittest.TestCase):
    def test_whole_answers(self):
        for right in ({"finish": "stop"}, {"finish": None}, {"finish": "stop", "words": None}):
            self.assertEqual(flaws(json.dumps(right)), [])
        self.assertEqual(flaws('{"words":["a"]}'), [": 'finish' is a required property"])
        self.assertEqual(len(flaws('{"finish":"halt"}')), 1)
        self.assertEqual(flaws('{"finish":null,"words":[1]}'), ["words.*: 1 is not of type 'string'"])

    def test_of_several_branches_the_one_that_the_value_says_it_is_counts(self):
        self.assertEqual(
            flaws('{"finish":null,"part":{"type":"second"}}'),
            ["part: 'b' is a required property", "part: 'c' is a required property"],
        )

    def test_every_event_of_a_stream(self):
        right = 'data: {"finish":null}\n\n: a comment\n\ndata: {"finish":"stop"}\n\ndata: [DONE]\n\n'
        self.assertEqual(flaws(right, kind="text/event-stream"), [])
        wrong = right.replace('"stop"', '"halt"')
        self.assertEqual(len(flaws(wrong, kind="text/event-stream")), 1)

    def test_errors_by_their_status(self):
        self.assertEqual(flaws('{"error":{}}', 400), [])
        self.assertEqual(flaws("{}", 400), [": 'error' is a required property"])
        self.assertEqual(flaws("{}", 418), [], "the description says nothing of it")

    def test_what_the_provider_itself_says_otherwise_is_known(self):
        schemas = validate.Schemas(DESCRIPTION)
        body = base64.b64encode(b'{"finish":"halt"}').decode()
        exchange = {"framing": None, "response": {"status": 200, "body_base64": body}}
        said = validate.spoken(schemas, "/ask", exchange)
        self.assertEqual(list(said), flaws('{"finish":"halt"}'))
        exchange["response"]["body_base64"] = base64.b64encode(b"no JSON").decode()
        self.assertEqual(validate.spoken(schemas, "/ask", exchange), set())

    def test_providers_may_have_any_name(self):
        spec = {"a": [{"enum": ["Mistral", "Other"], "type": "string"}, {"enum": ["b"]}]}
        validate.open_names(spec)
        self.assertEqual(spec, {"a": [{"type": "string"}, {"enum": ["b"]}]})

    def test_an_allowance_covers_one_description_and_is_counted(self):
        reason = "It is as it is."
        listed = [{"description": "b", "says": "finish: ", "reason": reason}]
        allowed = validate.Allowed(listed)
        self.assertEqual(allowed.unused(), ["finish: "])
        self.assertFalse(allowed.covers("c", "finish: no"))
        self.assertTrue(allowed.covers("b", "finish: no"))
        self.assertEqual(allowed.unused(), [])


if __name__ == "__main__":
    unittest.main()
