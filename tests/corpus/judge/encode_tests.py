"""The comparison of encoded requests, held against requests that are known to differ.

python3 -m unittest encode_tests
"""

from __future__ import annotations

import json
import unittest
from typing import Any, Iterator

import differ
import encode
import normal
import rules
from lift import lift
from lift_tests import OPENAI, record


class Comparing(unittest.TestCase):
    def differ(
        self, provider: str, url: str, recorded: Any, encoded: Any, **result: Any
    ) -> list[str]:
        task = lift(record(provider, url, recorded))
        answer = {
            "method": "POST",
            "path": "/chat/completions",
            "headers": [],
            "body": json.dumps(encoded),
            "sealed_equal": True,
        }
        return [str(each) for each in encode.found(task, {"encode": answer | result})]

    def chat(self, recorded: Any, encoded: Any, **result: Any) -> list[str]:
        return self.differ("openai", OPENAI + "/chat/completions", recorded, encoded, **result)

    BODY = {"model": "m", "messages": [{"role": "user", "content": "a"}], "temperature": 1}

    def test_two_ways_to_say_the_same_are_equal(self) -> None:
        said = {
            "temperature": 1.0,
            "stream": False,
            "n": 1,
            "stop": None,
            "messages": [{"content": [{"type": "text", "text": "a"}], "role": "user"}],
            "model": "m",
        }
        self.assertEqual(self.chat(self.BODY, said), [])

    def test_whatever_is_lost_changed_or_added_is_told(self) -> None:
        for change, told in (
            ({"temperature": True}, "temperature: 1 became True"),
            ({"model": "n"}, "model: 'm' became 'n'"),
            ({"seed": 1}, "seed is added: 1"),
            (
                {"messages": []},
                "messages.0 is lost: {'role': 'user', 'content': [{'type': 'text', 'text': 'a'}]}",
            ),
        ):
            self.assertEqual(self.chat(self.BODY, self.BODY | change), [told])
        lost = {name: value for name, value in self.BODY.items() if name != "temperature"}
        self.assertEqual(self.chat(self.BODY, lost), ["temperature is lost: 1"])

    def test_arguments_and_schemas_keep_their_order(self) -> None:
        def body(properties: str) -> Any:
            schema = json.loads('{"type":"object","properties":' + properties + "}")
            return self.BODY | {
                "tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}]
            }

        first, second = '{"a":{},"b":{}}', '{"b":{},"a":{}}'
        self.assertEqual(self.chat(body(first), body(first)), [])
        self.assertEqual(len(self.chat(body(first), body(second))), 1)

    def test_what_the_provider_insists_on_must_be_there(self) -> None:
        tools = {"tools": [{"function": {"name": "f"}}]}
        self.assertEqual(len(self.chat(self.BODY | tools, self.BODY | tools)), 1)
        typed = {"tools": [{"type": "function", "function": {"name": "f"}}]}
        self.assertEqual(self.chat(self.BODY | tools, self.BODY | typed), [])

    def test_the_address_counts(self) -> None:
        self.assertEqual(len(self.chat(self.BODY, self.BODY, path="/completions")), 1)
        self.assertEqual(len(self.chat(self.BODY, self.BODY, path="/chat/completions?x=1")), 1)
        self.assertEqual(len(self.chat(self.BODY, self.BODY, method="GET")), 1)

    def test_a_refusal_and_a_broken_seal_are_told(self) -> None:
        task = lift(record("openai", OPENAI + "/chat/completions", self.BODY))
        failure = {"kind": "Unsupported", "message": "no"}
        found = list(encode.found(task, {"encode": {"failure": failure}}))
        self.assertEqual([each.kind for each in found], ["refused"])
        task["response"] = {"status": 400}
        self.assertEqual(list(encode.found(task, {"encode": {"failure": failure}})), [])
        told = self.chat(self.BODY, self.BODY, sealed_equal=False, sealed_error="missing")
        self.assertEqual(told, ["@sealed: 'the same body' became 'missing'"])

    def test_beta_features_are_a_set(self) -> None:
        url = "https://api.anthropic.com/v1/messages"
        body = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "a"}]}
        task = lift(record("anthropic", url, body, anthropic_beta="a, b"))
        for value, count in (("b,a", 0), ("a", 1), ("a,b,c", 1)):
            answer = {
                "method": "POST",
                "path": "messages",
                "headers": [["anthropic-beta", value]],
                "body": json.dumps(body),
                "sealed_equal": True,
            }
            self.assertEqual(len(list(encode.found(task, {"encode": answer}))), count, value)

    def test_turns_of_one_speaker_are_one(self) -> None:
        def body(*turns: Any) -> Any:
            return json.dumps({"contents": list(turns)})

        apart = body({"parts": [{"text": "a"}]}, {"role": "user", "parts": [{"text": "b"}]})
        together = body({"role": "user", "parts": [{"text": "a"}, {"text": "b"}]})
        turned = body({"role": "user", "parts": [{"text": "b"}, {"text": "a"}]})
        same = normal.normal("gemini", "chat", apart)
        self.assertEqual(same, normal.normal("gemini", "chat", together))
        self.assertNotEqual(same, normal.normal("gemini", "chat", turned))

    def test_snake_and_camel_case_are_one_to_google(self) -> None:
        snake = '{"contents":[],"generation_config":{"max_output_tokens":1},"tools":{"function_declarations":[{"name":"f","parameters":{"type":"STRING"}}]}}'
        camel = '{"contents":[],"generationConfig":{"maxOutputTokens":1},"tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"type":"string"}}]}]}'
        self.assertEqual(
            normal.normal("gemini", "chat", snake), normal.normal("gemini", "chat", camel)
        )

    def test_instructions_are_the_message_in_front(self) -> None:
        before = '{"instructions":"s","input":"a"}'
        after = '{"input":[{"type":"message","role":"system","content":[{"type":"input_text","text":"s"}]},{"role":"user","content":"a"}]}'
        form = "openai-responses"
        self.assertEqual(normal.normal(form, "chat", before), normal.normal(form, "chat", after))


# One request of each format. What may be left out of it without being noticed follows.
REQUESTS: dict[str, tuple[str, str]] = {
    "openai-chat": (
        """{"model":"m","n":1,"stop":["x"],"seed":1,"store":true,"stream_options":{"a":1},
        "messages":[{"role":"user","name":"n","content":[{"type":"text","text":"a"},
        {"type":"image_url","image_url":{"url":"u","detail":"low"}}]},
        {"role":"assistant","reasoning_details":[{"type":"reasoning.text","text":"t",
        "signature":"s","format":"f","id":"i"}],"tool_calls":[{"id":"c","type":"function",
        "function":{"name":"f","arguments":"{}"},"cache_control":{"type":"ephemeral"}}]},
        {"role":"tool","tool_call_id":"c","content":"r"}],"tool_choice":"auto",
        "tools":[{"type":"function","function":{"name":"f","parameters":{"a":{"b":1}}}}],
        "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"a":1}}}}""",
        "n",
    ),
    "openai-responses": (
        """{"model":"m","instructions":"s","store":false,"text":{"format":{"type":"text"}},
        "input":[{"type":"reasoning","id":"r","summary":[{"type":"summary_text","text":"t"}],
        "encrypted_content":"e"},{"type":"message","role":"assistant","id":"i","content":
        [{"type":"output_text","text":"a","annotations":[{"type":"url_citation","url":"u"}]}]},
        {"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
        {"type":"function_call_output","call_id":"c","output":"o"}],
        "tools":[{"type":"function","name":"f","parameters":{"a":1}}],"reasoning":{"effort":"low"}}""",
        "input.1.type",
    ),
    "anthropic-messages": (
        """{"model":"m","max_tokens":1,"system":[{"type":"text","text":"s",
        "cache_control":{"type":"ephemeral","ttl":"1h"}}],"messages":[{"role":"assistant","content":
        [{"type":"thinking","thinking":"t","signature":"s"},{"type":"tool_use","id":"c","name":"f",
        "input":{"a":[1,{"b":2}]}}]},{"role":"user","content":[{"type":"tool_result",
        "tool_use_id":"c","is_error":true,"content":[{"type":"text","text":"r"}]}]}],
        "tools":[{"name":"f","input_schema":{"a":{"b":1}}}],"tool_choice":{"type":"auto"},
        "thinking":{"type":"enabled","budget_tokens":1},"container":"c"}""",
        "",
    ),
    "gemini": (
        """{"systemInstruction":{"parts":[{"text":"s"}]},"contents":[{"role":"user","parts":
        [{"inlineData":{"mimeType":"m","data":"QUJD"}},{"text":"a"}]},{"role":"model","parts":
        [{"functionCall":{"id":"c","name":"f","args":{"a":1}},"thoughtSignature":"s"}]},
        {"role":"user","parts":[{"functionResponse":{"id":"c","name":"f","response":{"a":1}}}]}],
        "tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT"}}]},
        {"googleSearch":{}}],"toolConfig":{"functionCallingConfig":{"mode":"ANY"}},
        "generationConfig":{"topK":1,"thinkingConfig":{"thinkingBudget":1}},"labels":{"a":"b"}}""",
        "contents.0.role contents.2.role",
    ),
    "bedrock-converse": (
        """{"system":[{"text":"s"},{"cachePoint":{"type":"default"}}],"messages":[{"role":"user",
        "content":[{"document":{"format":"txt","name":"n","source":{"bytes":"QQ=="}}}]},
        {"role":"assistant","content":[{"toolUse":{"toolUseId":"c","name":"f","input":{"a":1}}}]},
        {"role":"user","content":[{"toolResult":{"toolUseId":"c","status":"error","content":
        [{"json":{"a":1}}]}}]}],"inferenceConfig":{"maxTokens":1},"toolConfig":{"tools":
        [{"toolSpec":{"name":"f","inputSchema":{"json":{"a":1}}}}],"toolChoice":{"auto":{}}},
        "outputConfig":{"textFormat":{"structure":{"jsonSchema":{"schema":"{}"}}}}}""",
        "",
    ),
    "cohere-chat": (
        """{"model":"m","k":1,"documents":["d"],"messages":[{"role":"assistant","tool_plan":"p",
        "tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"c","content":"r"}],"tool_choice":"NONE",
        "response_format":{"type":"json_object","json_schema":{"a":1}}}""",
        "",
    ),
    "ollama": (
        """{"model":"m","stream":false,"think":true,"format":{"a":1},"options":{"num_ctx":1},
        "messages":[{"role":"user","content":"a","images":["QQ=="]},{"role":"assistant",
        "tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},
        {"role":"tool","tool_name":"f","content":"r"}]}""",
        "",
    ),
}


class Sensitivity(unittest.TestCase):
    def test_whatever_is_left_out_is_noticed(self) -> None:
        for format, (text, defaults) in REQUESTS.items():
            spelled = json.dumps(json.loads(text))
            whole = normal.normal(format, "chat", spelled, recorded=True)
            unnoticed = []
            for spot in spots(json.loads(text)):
                less = json.dumps(without(json.loads(text), spot))
                try:
                    differs = list(differ.differences(whole, normal.normal(format, "chat", less)))
                except (KeyError, ValueError, AttributeError):
                    # Not even the shape of a request.
                    continue
                if not differs:
                    unnoticed.append(".".join(map(str, spot)))
            self.assertEqual(" ".join(unnoticed), defaults, format)


def spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside of this one."""
    steps: Any = enumerate(value) if isinstance(value, list) else ()
    for step, held in value.items() if isinstance(value, dict) else steps:
        yield path + (step,)
        yield from spots(held, path + (step,))


def without(value: Any, path: tuple[Any, ...]) -> Any:
    held = value
    for step in path[:-1]:
        held = held[step]
    del held[path[-1]]
    return value


class Rules(unittest.TestCase):
    RULE = {"path": "a.*.b", "kind": "lost", "reason": "It says nothing at all."}

    def explains(
        self, rule: dict[str, Any], path: str = "a.0.b", kind: str = "lost", value: Any = 1
    ) -> bool:
        difference = differ.Difference(path, kind, value, None)
        return rules.Rule(rule).explains(difference, "gemini", "gemini")

    def test_a_rule_fits_path_kind_format_and_value(self) -> None:
        self.assertTrue(self.explains(self.RULE))
        self.assertFalse(self.explains(self.RULE, path="a.0.c.b"))
        self.assertTrue(self.explains(self.RULE | {"path": "a.**.b"}, path="a.0.c.b"))
        self.assertFalse(self.explains(self.RULE, kind="added"))
        self.assertFalse(self.explains(self.RULE | {"formats": ["ollama"]}))
        self.assertFalse(self.explains(self.RULE | {"adapters": ["ollama"]}))
        self.assertFalse(self.explains(self.RULE | {"recorded": True}))
        self.assertTrue(self.explains(self.RULE | {"recorded": 1.0}))
        self.assertTrue(self.explains(self.RULE | {"recorded": "/^x/"}, value="xyz"))

    def test_a_rule_needs_a_reason(self) -> None:
        for broken in ({"reason": "because"}, {"kind": "gone"}, {"record": "openai-1"}):
            with self.assertRaises(ValueError):
                rules.Rule(self.RULE | broken)

    def test_the_rules_that_are_checked_in_load(self) -> None:
        self.assertTrue(rules.load())


if __name__ == "__main__":
    unittest.main()
