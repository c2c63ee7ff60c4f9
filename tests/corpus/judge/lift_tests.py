"""Requests of every format, written by hand, and what the judge must make of them.

    python3 -m unittest lift_tests

The recordings show that real requests lift; this shows that they lift to the right thing.
"""

from __future__ import annotations

import json
import unittest
from typing import Any

import canonical as c
import rawjson
from canonical import NotOffered
from lift import lift
from wit_types import Types


def record(
    provider: str, url: str, body: Any, method: str = "POST", **headers: str
) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {
        "provider": provider,
        "request": {"method": method, "url": url, "headers": named, "body": text},
    }


def request(provider: str, url: str, body: Any, **headers: str) -> dict[str, Any]:
    lifted = lift(record(provider, url, body, **headers))
    assert lifted["unlifted"] is None, lifted["unlifted"]
    flaws = TYPES.flaws(lifted["request"], REQUESTS[lifted["what"]])
    assert not flaws, flaws
    return lifted["request"]


TYPES = Types("chat/chat.wit", "provider/provider.wit")
REQUESTS = {
    "chat": "request",
    "count": "request",
    "embeddings": "embed-request",
    "rerank": "rerank-request",
}


OPENAI = "https://api.openai.com/v1"


class Lifting(unittest.TestCase):
    maxDiff = None

    def check(self, lifted: dict[str, Any], expected: dict[str, Any]) -> None:
        for name in expected:
            self.assertEqual(lifted[name], expected[name], name)
        untouched = c.request(lifted["model"], lifted["dialect"])
        for name in lifted.keys() - expected.keys() - {"model", "dialect"}:
            self.assertEqual(lifted[name], untouched[name], name)


class RawJson(unittest.TestCase):
    def test_every_value_keeps_its_spelling(self) -> None:
        node = rawjson.parse(' {"a" : [1.50, "\\u00e9"], "b":{ "c":null}} ')
        fields = node.fields()
        self.assertEqual([each.raw for each in fields.take("a").items()], ["1.50", '"\\u00e9"'])
        self.assertEqual(fields.rest(), [["b", '{ "c":null}']])

    def test_what_is_no_json_is_refused(self) -> None:
        for text in ("", "{", '{"a":1,}', "[1 2]", '{"a":1} x', "nul", "{1:2}", '"\\x"'):
            with self.assertRaises(rawjson.NotJson, msg=text):
                rawjson.parse(text)

    def test_a_null_is_as_good_as_absent(self) -> None:
        self.assertIsNone(rawjson.parse('{"a":null}').fields().take("a"))

    def test_a_word_is_no_number(self) -> None:
        with self.assertRaises(rawjson.NotJson):
            rawjson.parse('{"a":"hot"}').fields().number("a")


class ContractTypes(unittest.TestCase):
    def test_what_serde_would_refuse_is_a_flaw(self) -> None:
        call = c.tool_call("c", "f", "{}")
        self.assertEqual(TYPES.flaws(call, "part"), [])
        self.assertEqual(len(TYPES.flaws(call | {"more": 1}, "part")), 1)
        self.assertEqual(len(TYPES.flaws(c.text(1), "part")), 1)  # type: ignore[arg-type]
        self.assertEqual(TYPES.flaws("Auto", "tool-choice"), [])
        for wrong in ("auto", "Named", {"Named": 1}, {"Auto": None}, {}):
            self.assertEqual(len(TYPES.flaws(wrong, "tool-choice")), 1, wrong)
        self.assertEqual(TYPES.flaws(c.citation(span=[0, 5]), "citation"), [])
        self.assertEqual(len(TYPES.flaws(c.citation(span=[0]), "citation")), 1)
        self.assertEqual(len(TYPES.flaws(c.citation(span=[0, -1]), "citation")), 1)


class OpenAiChat(Lifting):
    def test_a_conversation_with_calls(self) -> None:
        body = (
            '{"model":"m","stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":9,'
            '"messages":[{"role":"developer","content":"be brief"},'
            '{"role":"user","name":"ann","content":[{"type":"text","text":"see"},'
            '{"type":"image_url","image_url":{"url":"data:image/PNG;base64,QUJD","detail":"low"}}]},'
            '{"role":"assistant","content":"","tool_calls":[{"id":"c1","type":"function",'
            '"function":{"name":"add","arguments":"{ \\"a\\":1}"}}]},'
            '{"role":"tool","tool_call_id":"c1","content":"3"}],'
            '"tools":[{"type":"function","function":{"name":"add","strict":true,"parameters":{"type": "object"}}},'
            '{"type":"search","depth":2}],"tool_choice":{"type":"function","function":{"name":"add"}},'
            '"logit_bias":{"7":-1},"stop":"x","logprobs":true,"store":false,"metadata":{"k": "v"}}'
        )
        lifted = lift(record("openai", OPENAI + "/chat/completions", body))
        self.assertEqual(lifted["adapter"], "openai")
        self.assertEqual(lifted["base_path"], "/v1")
        self.assertEqual(
            lifted["options"],
            [
                ["api", '"chat"'],
                ["max_tokens_field", '"max_completion_tokens"'],
                ["stream_usage", "true"],
                ["developer_role", '"developer"'],
            ],
        )
        image = c.media("Image", {"Base64": "QUJD"}, "image/png", detail="low")
        self.check(
            lifted["request"],
            {
                "messages": [
                    c.message("Developer", [c.text("be brief")]),
                    c.message("User", [c.text("see"), c.part({"Media": image})], name="ann"),
                    c.message("Assistant", [c.tool_call("c1", "add", '{ "a":1}')]),
                    c.message("Tool", [c.tool_result("c1", "add", [c.result_part({"Text": "3"})])]),
                ],
                "tools": [
                    c.function_tool("add", parameters='{"type": "object"}', strict=True),
                    {"Native": '{"type":"search","depth":2}'},
                ],
                "tool_choice": {"Named": "add"},
                "sampling": c.sampling(stop=["x"], logit_bias=[["7", -1.0]], top_logprobs=0),
                "max_tokens": 9,
                "streaming": True,
                "extra": [["store", "false"], ["metadata", '{"k": "v"}']],
            },
        )

    def test_every_field_of_every_record_is_there(self) -> None:
        lifted = request(
            "groq",
            "https://x/v1/chat/completions",
            {"messages": [{"role": "user", "content": "a"}]},
        )
        part = lifted["messages"][0]["parts"][0]
        self.assertEqual(set(part), set("body id signature format citations cache extra".split()))
        self.assertEqual(lifted["model"], "")
        self.assertEqual(lifted["choices"], 1)

    def test_reasoning_comes_back_in_three_ways(self) -> None:
        def thoughts(**fields: Any) -> list[Any]:
            message = {"role": "assistant", "content": "a"} | fields
            lifted = request(
                "x", "https://x/chat/completions", {"model": "m", "messages": [message]}
            )
            return lifted["messages"][0]["parts"][:-1]

        self.assertEqual(thoughts(reasoning_content="t"), [c.reasoning("Text", "t")])
        self.assertEqual(thoughts(reasoning="t"), [c.reasoning("Text", "t")])
        self.assertEqual(thoughts(reasoning_content=""), [])
        details = [
            {"type": "reasoning.text", "index": 0, "text": "a", "format": "anthropic-claude-v1"},
            {"type": "reasoning.text", "index": 0, "text": "b", "signature": "s"},
            {
                "type": "reasoning.encrypted",
                "index": 1,
                "data": "d",
                "id": "r",
                "format": "unknown",
            },
        ]
        self.assertEqual(
            thoughts(reasoning="ab", reasoning_details=details),
            [
                c.reasoning("Text", "ab", signature="s", format="anthropic-claude-v1"),
                c.reasoning("Encrypted", "d", id="r"),
            ],
        )

    def test_a_proof_under_a_calls_id_is_the_calls_signature(self) -> None:
        message = {
            "role": "assistant",
            "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}],
            "reasoning_details": [
                {
                    "type": "reasoning.encrypted",
                    "id": "c",
                    "data": "p",
                    "format": "google-gemini-v1",
                }
            ],
        }
        lifted = request(
            "openrouter", "https://x/chat/completions", {"model": "m", "messages": [message]}
        )
        call = c.tool_call("c", "f", '{"a": 1}', signature="p", format="google-gemini-v1")
        self.assertEqual(lifted["messages"][0]["parts"], [call])

    def test_cache_points_of_a_message_stand_on_its_last_part(self) -> None:
        point = {"type": "ephemeral", "ttl": "1h"}
        messages = [{"role": "user", "cache_control": point, "content": "a"}]
        lifted = request(
            "openrouter", "https://x/chat/completions", {"model": "m", "messages": messages}
        )
        self.assertEqual(lifted["messages"][0]["parts"], [c.text("a", cache=c.cache_point("1h"))])

    def test_reasoning_is_asked_for_in_many_ways(self) -> None:
        def asked(provider: str, **fields: Any) -> Any:
            body = {"model": "m", "messages": [{"role": "user", "content": "a"}]} | fields
            lifted = request(provider, "https://x/chat/completions", body)
            return lifted["reasoning"], lifted["extra"]

        wanted = c.reasoning_options
        self.assertEqual(asked("x", reasoning_effort="low"), (wanted(effort="low"), []))
        self.assertEqual(
            asked("x", reasoning_effort="none"), (wanted(effort="none", enabled=False), [])
        )
        self.assertEqual(
            asked("x", reasoning={"max_tokens": 5, "exclude": True}),
            (wanted(max_tokens=5, hidden=True), []),
        )
        self.assertEqual(
            asked("deepseek", thinking={"type": "disabled"}), (wanted(enabled=False), [])
        )
        kept = '{"type": "enabled", "clear_thinking": false}'
        self.assertEqual(asked("zai", thinking=json.loads(kept)), (None, [["thinking", kept]]))
        self.assertEqual(asked("groq", reasoning_format="hidden"), (wanted(hidden=True), []))
        self.assertEqual(
            asked("groq", reasoning_format="parsed"), (None, [["reasoning_format", '"parsed"']])
        )

    def test_mistral_has_parts_of_its_own(self) -> None:
        parts = [
            {"type": "document_url", "document_url": "https://x/a.pdf", "document_name": "a"},
            {"type": "input_audio", "input_audio": "QUJD"},
        ]
        messages = [
            {"role": "user", "content": parts},
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "t"}]}],
                "prefix": True,
            },
        ]
        body = {"model": "m", "messages": messages, "random_seed": 3, "safe_prompt": False}
        lifted = request("mistral", "https://api.mistral.ai/v1/chat/completions", body)
        document = c.media("Document", {"Uri": "https://x/a.pdf"}, name="a")
        sound = c.media("Audio", {"Base64": "QUJD"})
        self.assertEqual(
            lifted["messages"][0]["parts"], [c.part({"Media": document}), c.part({"Media": sound})]
        )
        self.assertEqual(lifted["messages"][1], c.message("Assistant", [c.reasoning("Text", "t")]))
        self.assertEqual(lifted["sampling"]["seed"], 3)
        self.assertEqual(lifted["extra"], [["safe_prompt", "false"]])
        elsewhere = request("groq", "https://x/chat/completions", body)
        self.assertIn("Native", elsewhere["messages"][0]["parts"][0]["body"])

    def test_a_format_with_more_than_is_modelled_is_native(self) -> None:
        format = '{"type":"json_object","schema":{}}'
        body = '{"model":"m","messages":[],"response_format":' + format + "}"
        self.assertEqual(
            request("x", "https://x/chat/completions", body)["response_format"], {"Native": format}
        )

    def test_what_the_contract_has_no_room_for_stays_native(self) -> None:
        body = {
            "model": "m",
            "messages": [],
            "max_tokens": -1,
            "top_k": -1,
            "stream_options": {"include_usage": True, "x": 1},
            "reasoning": {"effort": "low", "y": 2},
        }
        lifted = request("llamacpp", "https://x/chat/completions", body)
        self.assertIsNone(lifted["max_tokens"])
        extra = [
            ["reasoning", '{"y":2}'],
            ["stream_options", '{"x":1}'],
            ["max_tokens", "-1"],
            ["top_k", "-1"],
        ]
        self.assertEqual(lifted["extra"], extra)

    def test_a_set_of_allowed_tools(self) -> None:
        tools = [{"type": "function", "function": {"name": "a"}}]
        choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": tools}}
        body = {"model": "m", "messages": [], "tool_choice": choice}
        allowed = {"Allowed": {"names": ["a"], "required": True}}
        self.assertEqual(
            request("openai", OPENAI + "/chat/completions", body)["tool_choice"], allowed
        )

    def test_an_azure_deployment_is_the_model(self) -> None:
        url = "https://r.openai.azure.com/openai/deployments/mine/chat/completions?api-version=2024-06-01"
        lifted = lift(record("azure", url, {"messages": [{"role": "user", "content": "a"}]}))
        self.assertEqual(lifted["adapter"], "azure-openai")
        self.assertEqual(lifted["base_path"], "/openai")
        self.assertIn(["api_version", '"2024-06-01"'], lifted["options"])
        self.assertEqual(lifted["request"]["model"], "mine")


class OpenAiResponses(Lifting):
    def test_items_become_messages(self) -> None:
        body = (
            '{"model":"m","instructions":"be brief","store":false,"max_output_tokens":5,'
            '"reasoning":{"effort":"high","summary":"auto","context":"all_turns"},'
            '"text":{"verbosity":"low","format":{"type":"json_schema","name":"n","schema":{"b":1, "a":2},"strict":true}},'
            '"input":[{"role":"user","content":"hi"},'
            '{"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"s"}],"encrypted_content":"e"},'
            '{"type":"message","role":"assistant","id":"msg","status":"completed","phase":"final",'
            '"content":[{"type":"output_text","text":"yo","annotations":'
            '[{"type":"url_citation","url":"u","title":"t","start_index":0,"end_index":2}]}]},'
            '{"type":"web_search_call","id":"ws"},'
            '{"type":"custom_tool_call","call_id":"c1","name":"py","input":"1+1","id":"ctc"},'
            '{"type":"custom_tool_call_output","call_id":"c1","output":[{"type":"input_text","text":"2"}]}],'
            '"tools":[{"type":"custom","name":"py","format":{"type":"grammar","syntax":"lark","definition":"d"}},'
            '{"type":"web_search"}]}'
        )
        lifted = lift(record("openai", OPENAI + "/responses", body))
        self.assertEqual(lifted["options"], [["api", '"responses"']])
        format = "openai-responses-v1"
        cited = c.citation(url="u", title="t", span=[0, 2])
        said = [["status", '"completed"'], ["phase", '"final"']]
        self.check(
            lifted["request"],
            {
                "messages": [
                    c.message("System", [c.text("be brief")]),
                    c.message("User", [c.text("hi")]),
                    c.message(
                        "Assistant",
                        [
                            c.reasoning("Summary", "s", id="rs", format=format),
                            c.reasoning("Encrypted", "e", id="rs", format=format),
                            c.text("yo", id="msg", citations=[cited], extra=said),
                            c.native('{"type":"web_search_call","id":"ws"}'),
                            c.tool_call("c1", "py", "1+1", True, id="ctc"),
                        ],
                    ),
                    c.message(
                        "Tool",
                        [c.tool_result("c1", "py", [c.result_part({"Text": "2"})], freeform=True)],
                    ),
                ],
                "tools": [
                    c.freeform_tool("py", grammar={"syntax": "lark", "definition": "d"}),
                    {"Native": '{"type":"web_search"}'},
                ],
                "response_format": c.json_schema('{"b":1, "a":2}', name="n", strict=True),
                "reasoning": c.reasoning_options(effort="high", summary="auto"),
                "verbosity": "low",
                "max_tokens": 5,
                "extra": [["reasoning", '{"context":"all_turns"}'], ["store", "false"]],
            },
        )

    def test_files_and_images(self) -> None:
        parts = [
            {"type": "input_image", "image_url": "https://x/i", "detail": "auto"},
            {"type": "input_file", "filename": "f", "file_data": "data:text/plain;base64,QQ=="},
            {"type": "input_file", "file_id": "file-1"},
        ]
        body = {"model": "m", "input": [{"role": "user", "content": parts}]}
        media = [
            c.media("Image", {"Uri": "https://x/i"}, detail="auto"),
            c.media("Document", {"Base64": "QQ=="}, "text/plain", "f"),
            c.media("Document", {"FileId": "file-1"}),
        ]
        lifted = request("xai", "https://api.x.ai/v1/responses", body)
        self.assertEqual(
            lifted["messages"][0]["parts"], [c.part({"Media": each}) for each in media]
        )

    def test_a_result_whose_call_is_elsewhere_has_no_name(self) -> None:
        body = {
            "model": "m",
            "previous_response_id": "r",
            "input": [{"type": "function_call_output", "call_id": "c", "output": "o"}],
        }
        lifted = request("openai", OPENAI + "/responses", body)
        self.assertEqual(lifted["messages"][0]["parts"][0]["body"]["ToolResult"]["name"], "")
        self.assertEqual(lifted["extra"], [["previous_response_id", '"r"']])

    def test_an_empty_reasoning_item_is_kept_for_its_id(self) -> None:
        body = {"model": "m", "input": [{"type": "reasoning", "id": "rs", "summary": []}]}
        part = request("openai", OPENAI + "/responses", body)["messages"][0]["parts"]
        self.assertEqual(part, [c.reasoning("Summary", "", id="rs", format="openai-responses-v1")])

    def test_counting_is_a_call_of_its_own(self) -> None:
        lifted = lift(
            record("openai", OPENAI + "/responses/input_tokens", {"model": "m", "input": "hi"})
        )
        self.assertEqual(lifted["what"], "count")
        self.assertEqual(lifted["request"]["messages"], [c.message("User", [c.text("hi")])])


class Anthropic(Lifting):
    URL = "https://api.anthropic.com/v1/messages"

    def test_a_conversation(self) -> None:
        body = (
            '{"model":"m","max_tokens":7,"stream":true,"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral","ttl":"1h"}}],'
            '"thinking":{"type":"enabled","budget_tokens":1024},"metadata":{"user_id":"u"},'
            '"output_config":{"effort":"low","format":{"type":"json_schema","schema":{"z":1}},"task_budget":2},'
            '"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"sig"},'
            '{"type":"redacted_thinking","data":"d"},{"type":"tool_use","id":"c","name":"f","input":{"b": 1,"a":2}},'
            '{"type":"server_tool_use","id":"s","name":"web_search","input":{}}]},'
            '{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","is_error":true,'
            '"content":[{"type":"text","text":"no"},{"type":"tool_reference","tool_name":"g"}]},'
            '{"type":"text","text":"more"}]}],'
            '"tools":[{"name":"f","description":"","input_schema":{"type":"object"},"defer_loading":true},'
            '{"type":"web_search_20250305","name":"web_search"}],'
            '"tool_choice":{"type":"any","disable_parallel_tool_use":true},"container":"box","top_k":3}'
        )
        format = "anthropic-claude-v1"
        content = [
            c.result_part({"Text": "no"}),
            c.result_part({"Native": '{"type":"tool_reference","tool_name":"g"}'}),
        ]
        self.check(
            request("anthropic", self.URL, body, anthropic_beta="x-1"),
            {
                "headers": [["anthropic-beta", "x-1"]],
                "messages": [
                    c.message("System", [c.text("s", cache=c.cache_point("1h"))]),
                    c.message(
                        "Assistant",
                        [
                            c.reasoning("Text", "t", signature="sig", format=format),
                            c.reasoning("Encrypted", "d", format=format),
                            c.tool_call("c", "f", '{"b": 1,"a":2}'),
                            c.native(
                                '{"type":"server_tool_use","id":"s","name":"web_search","input":{}}'
                            ),
                        ],
                    ),
                    c.message("Tool", [c.tool_result("c", "f", content, failed=True)]),
                    c.message("User", [c.text("more")]),
                ],
                "tools": [
                    c.function_tool(
                        "f",
                        description="",
                        parameters='{"type":"object"}',
                        extra=[["defer_loading", "true"]],
                    ),
                    {"Native": '{"type":"web_search_20250305","name":"web_search"}'},
                ],
                "tool_choice": "Required",
                "parallel_tool_calls": False,
                "response_format": c.json_schema('{"z":1}'),
                "sampling": c.sampling(top_k=3),
                "max_tokens": 7,
                "reasoning": c.reasoning_options(enabled=True, max_tokens=1024, effort="low"),
                "user": "u",
                "streaming": True,
                "extra": [["output_config", '{"task_budget":2}'], ["container", '"box"']],
            },
        )

    def test_documents_and_citations(self) -> None:
        blocks = [
            {
                "type": "document",
                "title": "T",
                "source": {"type": "text", "media_type": "text/plain", "data": "d"},
                "citations": {"enabled": True},
            },
            {"type": "image", "source": {"type": "url", "url": "https://x"}},
            {"type": "document", "source": {"type": "content", "content": []}},
            {
                "type": "text",
                "text": "w",
                "citations": [
                    {
                        "type": "web_search_result_location",
                        "url": "u",
                        "title": "t",
                        "cited_text": "q",
                        "encrypted_index": "e",
                    }
                ],
            },
        ]
        body = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": blocks}]}
        parts = request("anthropic", self.URL, body)["messages"][0]["parts"]
        document = c.media("Document", {"Text": "d"}, "text/plain", "T")
        self.assertEqual(
            parts[0], c.part({"Media": document}, extra=[["citations", '{"enabled": true}']])
        )
        self.assertEqual(parts[1], c.part({"Media": c.media("Image", {"Uri": "https://x"})}))
        self.assertIn("Native", parts[2]["body"])
        kind = ["type", '"web_search_result_location"']
        cited = c.citation(url="u", title="t", quote="q", extra=[kind, ["encrypted_index", '"e"']])
        self.assertEqual(parts[3], c.text("w", citations=[cited]))

    def test_vertex_and_bedrock_host_it(self) -> None:
        body = {
            "anthropic_version": "v",
            "anthropic_beta": ["b"],
            "max_tokens": 1,
            "messages": [{"role": "user", "content": "a"}],
        }
        url = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude:rawPredict"
        at_vertex = lift(record("vertex-anthropic", url, body))
        self.assertEqual(at_vertex["adapter"], "gemini")
        self.assertEqual(
            at_vertex["options"],
            [
                ["platform", '"vertex"'],
                ["project", '"p"'],
                ["location", '"us-east5"'],
                ["publisher", '"anthropic"'],
            ],
        )
        url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.claude%3A0/invoke-with-response-stream"
        at_bedrock = lift(record("bedrock", url, body))
        self.assertEqual(at_bedrock["options"], [["api", '"invoke"']])
        self.check(
            at_bedrock["request"],
            {
                "headers": [["anthropic-beta", "b"]],
                "messages": [c.message("User", [c.text("a")])],
                "max_tokens": 1,
                "streaming": True,
            },
        )
        self.assertEqual(at_bedrock["request"]["model"], "us.claude:0")
        self.assertEqual(at_vertex["request"]["extra"], [])

    def test_adaptive_thinking_has_no_bound(self) -> None:
        body = {
            "model": "m",
            "max_tokens": 1,
            "messages": [],
            "thinking": {"type": "adaptive", "display": "summarized"},
        }
        lifted = request("anthropic", self.URL, body)
        self.assertEqual(lifted["reasoning"], c.reasoning_options(enabled=True))
        self.assertEqual(lifted["extra"], [["thinking", '{"display":"summarized"}']])


class Gemini(Lifting):
    URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2:"

    def test_a_conversation(self) -> None:
        body = (
            '{"systemInstruction":{"parts":[{"text":"s"}],"role":"user"},"contents":['
            '{"role":"user","parts":[{"inline_data":{"mime_type":"image/jpeg","data":"_9j-"}}]},'
            '{"role":"model","parts":[{"text":"t","thought":true},'
            '{"functionCall":{"name":"f","args":{"b":1, "a":2}},"thoughtSignature":"sig"},'
            '{"executableCode":{"code":"1"}}]},'
            '{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"error":"no"}}},{"text":"more"}]}],'
            '"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","properties":{"type":{"type":"STRING","nullable":true}}}}],"googleSearch":{}}],'
            '"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]},"retrievalConfig":{"a":1}},'
            '"generationConfig":{"temperature":0,"topK":2.0,"maxOutputTokens":4,"responseModalities":["TEXT"],'
            '"thinkingConfig":{"thinkingBudget":128},"mediaResolution":"LOW"},"safetySettings":null,"labels":{"a":"b"}}'
        )
        lifted = lift(record("gemini", self.URL + "streamGenerateContent?alt=sse&key=x", body))
        self.assertEqual(lifted["options"], [["platform", '"ai-studio"']])
        self.assertEqual(lifted["base_path"], "/v1beta")
        image = c.media("Image", {"Base64": "/9j+"}, "image/jpeg")
        schema = '{"type": "object", "properties": {"type": {"type": ["string", "null"]}}}'
        self.check(
            lifted["request"],
            {
                "messages": [
                    c.message("System", [c.text("s")]),
                    c.message("User", [c.part({"Media": image})]),
                    c.message(
                        "Assistant",
                        [
                            c.reasoning("Text", "t"),
                            c.tool_call(
                                "call_0",
                                "f",
                                '{"b":1, "a":2}',
                                signature="sig",
                                format="google-gemini-v1",
                            ),
                            c.native('{"executableCode":{"code":"1"}}'),
                        ],
                    ),
                    c.message(
                        "Tool",
                        [
                            c.tool_result(
                                "call_0", "f", [c.result_part({"Text": "no"})], failed=True
                            )
                        ],
                    ),
                    c.message("User", [c.text("more")]),
                ],
                "tools": [
                    c.function_tool("f", parameters=schema),
                    {"Native": '{"googleSearch":{}}'},
                ],
                "tool_choice": {"Named": "f"},
                "sampling": c.sampling(temperature=0.0, top_k=2),
                "max_tokens": 4,
                "modalities": ["text"],
                "reasoning": c.reasoning_options(max_tokens=128, hidden=True),
                "streaming": True,
                "extra": [
                    ["toolConfig", '{"retrievalConfig":{"a":1}}'],
                    ["generationConfig", '{"mediaResolution":"LOW"}'],
                    ["labels", '{"a":"b"}'],
                ],
            },
        )

    def test_results_without_ids_are_for_the_oldest_open_call(self) -> None:
        call = {"functionCall": {"name": "f", "args": {}}}
        response = {"functionResponse": {"name": "f", "response": {"output": 1}}}
        contents = [{"role": "model", "parts": [call, call]}, {"parts": [response, response]}]
        messages = request("gemini", self.URL + "generateContent", {"contents": contents})[
            "messages"
        ]
        ids = [part["body"]["ToolResult"]["call_id"] for part in messages[1]["parts"]]
        self.assertEqual(ids, ["call_0", "call_1"])
        content = messages[1]["parts"][0]["body"]["ToolResult"]["content"]
        self.assertEqual(content, [c.result_part({"Json": '{"output": 1}'})])

    def test_a_result_whose_call_is_elsewhere_has_an_id_of_its_own(self) -> None:
        parts = [{"functionResponse": {"name": "f", "response": {}}}]
        body = {"contents": {"parts": parts}}
        part = request("gemini", self.URL + "generateContent", body)["messages"][0]["parts"][0]
        self.assertEqual(part, c.tool_result("call_0", "f", [c.result_part({"Json": "{}"})]))

    def test_ways_to_choose_tools(self) -> None:
        def choice(**config: Any) -> Any:
            body = {"contents": [], "toolConfig": {"functionCallingConfig": config}}
            return request("gemini", self.URL + "generateContent", body)["tool_choice"]

        self.assertEqual(choice(mode="AUTO"), "Auto")
        self.assertEqual(choice(mode="ANY"), "Required")
        self.assertEqual(choice(mode="NONE"), "None")
        both = ["a", "b"]
        self.assertEqual(
            choice(mode="ANY", allowedFunctionNames=both),
            {"Allowed": {"names": both, "required": True}},
        )
        self.assertEqual(
            choice(mode="VALIDATED", allowedFunctionNames=["a"]),
            {"Allowed": {"names": ["a"], "required": False}},
        )
        self.assertEqual(choice(mode="VALIDATED"), {"Native": '{"mode": "VALIDATED"}'})

    def test_shapes_of_the_answer_and_thinking(self) -> None:
        def config(**fields: Any) -> Any:
            return request(
                "gemini", self.URL + "generateContent", {"contents": [], "generationConfig": fields}
            )

        schema = {"responseMimeType": "application/json", "responseJsonSchema": {"a": 1}}
        self.assertEqual(config(**schema)["response_format"], c.json_schema('{"a": 1}'))
        self.assertEqual(
            config(responseMimeType="application/json")["response_format"], "JsonObject"
        )
        thinking = {"thinkingConfig": {"thinkingBudget": 0}}
        self.assertEqual(config(**thinking)["reasoning"], c.reasoning_options(enabled=False))
        thinking = {"thinkingConfig": {"thinkingLevel": "HIGH", "includeThoughts": True}}
        self.assertEqual(config(**thinking)["reasoning"], c.reasoning_options(effort="high"))

    def test_vertex_says_more_in_its_path(self) -> None:
        url = "https://aiplatform.googleapis.com/v1beta1/projects/p/locations/global/publishers/google/models/g:countTokens"
        lifted = lift(
            record("vertex", url, {"contents": [{"role": "user", "parts": [{"text": "a"}]}]})
        )
        self.assertEqual((lifted["what"], lifted["base_path"]), ("count", "/v1beta1"))
        self.assertEqual(lifted["request"]["model"], "g")

    def test_a_role_that_the_format_does_not_have_is_not_lifted(self) -> None:
        contents = [{"role": "pirate", "parts": []}]
        lifted = lift(record("gemini", self.URL + "generateContent", {"contents": contents}))
        self.assertIsNone(lifted["request"])
        self.assertIn("role", lifted["unlifted"])


class Converse(Lifting):
    URL = "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude%3A0/"

    def test_a_conversation(self) -> None:
        body = (
            '{"system":[{"text":"s"},{"cachePoint":{"type":"default"}}],"messages":['
            '{"role":"user","content":[{"document":{"format":"txt","name":"n","source":{"bytes":"QQ=="},"context":"x"}}]},'
            '{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"t","signature":"sig"}}},'
            '{"toolUse":{"toolUseId":"c","name":"f","input":{"a": 1}}}]},'
            '{"role":"user","content":[{"toolResult":{"toolUseId":"c","status":"error","content":[{"json":{"b": 2}}]}},'
            '{"cachePoint":{"type":"default","ttl":"1h"}},{"text":"more"}]}],'
            '"inferenceConfig":{"maxTokens":9},'
            '"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{"type": "object"}}}},{"systemTool":{"name":"z"}}],"toolChoice":{"any":{}}},'
            '"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"name":"n","schema":"{\\"a\\":1}"}}}},'
            '"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":1024},"top_k":4,"x":1},'
            '"guardrailConfig":{"guardrailIdentifier":"g"}}'
        )
        lifted = lift(record("bedrock", self.URL + "converse-stream", body))
        self.assertEqual(lifted["options"], [["api", '"converse"']])
        document = c.media("Document", {"Base64": "QQ=="}, "text/plain", "n")
        result = c.tool_result(
            "c", "f", [c.result_part({"Json": '{"b": 2}'})], failed=True, cache=c.cache_point("1h")
        )
        self.check(
            lifted["request"],
            {
                "messages": [
                    c.message("System", [c.text("s", cache=c.cache_point())]),
                    c.message("User", [c.part({"Media": document}, extra=[["context", '"x"']])]),
                    c.message(
                        "Assistant",
                        [
                            c.reasoning("Text", "t", signature="sig", format="anthropic-claude-v1"),
                            c.tool_call("c", "f", '{"a": 1}'),
                        ],
                    ),
                    c.message("Tool", [result]),
                    c.message("User", [c.text("more")]),
                ],
                "tools": [
                    c.function_tool("f", parameters='{"type": "object"}'),
                    {"Native": '{"systemTool":{"name":"z"}}'},
                ],
                "tool_choice": "Required",
                "response_format": c.json_schema('{"a":1}', name="n"),
                "sampling": c.sampling(top_k=4),
                "max_tokens": 9,
                "reasoning": c.reasoning_options(enabled=True, max_tokens=1024),
                "streaming": True,
                "extra": [
                    ["additionalModelRequestFields", '{"x":1}'],
                    ["guardrailConfig", '{"guardrailIdentifier":"g"}'],
                ],
            },
        )
        self.assertEqual(lifted["request"]["model"], "us.anthropic.claude:0")

    def test_counting_wraps_either_format(self) -> None:
        converse = {
            "input": {"converse": {"messages": [{"role": "user", "content": [{"text": "a"}]}]}}
        }
        lifted = lift(record("bedrock", self.URL + "count-tokens", converse))
        self.assertEqual((lifted["what"], lifted["options"]), ("count", [["api", '"converse"']]))
        body = c.base64.b64encode(
            b'{"anthropic_version":"v","max_tokens":1,"messages":[]}'
        ).decode()
        lifted = lift(
            record("bedrock", self.URL + "count-tokens", {"input": {"invokeModel": {"body": body}}})
        )
        self.assertEqual(lifted["request"]["dialect"], "anthropic-messages")

    def test_other_text_models_are_not_invoked(self) -> None:
        url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/meta.llama/invoke"
        with self.assertRaises(NotOffered):
            lift(record("bedrock", url, {"prompt": "a"}))


class CohereAndOllama(Lifting):
    def test_cohere(self) -> None:
        messages = [
            {"role": "user", "content": "a"},
            {
                "role": "assistant",
                "tool_plan": "p",
                "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                ],
            },
            {
                "role": "tool",
                "tool_call_id": "c",
                "content": [{"type": "document", "document": {"data": "d"}}],
            },
            {
                "role": "assistant",
                "content": "b",
                "citations": [{"start": 0, "end": 1, "text": "b", "sources": []}],
            },
        ]
        body = {
            "model": "m",
            "messages": messages,
            "p": 0.5,
            "k": 3,
            "tool_choice": "REQUIRED",
            "thinking": {"type": "enabled", "token_budget": 9},
            "documents": ["x"],
            "response_format": {"type": "json_object", "json_schema": {"a": 1}},
        }
        document = '{"type": "document", "document": {"data": "d"}}'
        cited = c.citation(span=[0, 1], extra=[["text", '"b"'], ["sources", "[]"]])
        self.check(
            request("cohere", "https://api.cohere.com/v2/chat", body),
            {
                "messages": [
                    c.message("User", [c.text("a")]),
                    c.message(
                        "Assistant", [c.tool_call("c", "f", "{}")], extra=[["tool_plan", '"p"']]
                    ),
                    c.message(
                        "Tool", [c.tool_result("c", "f", [c.result_part({"Native": document})])]
                    ),
                    c.message("Assistant", [c.text("b", citations=[cited])]),
                ],
                "sampling": c.sampling(top_p=0.5, top_k=3),
                "tool_choice": "Required",
                "reasoning": c.reasoning_options(enabled=True, max_tokens=9),
                "response_format": c.json_schema('{"a": 1}'),
                "extra": [["documents", '["x"]']],
            },
        )

    def test_ollama(self) -> None:
        messages = [
            {"role": "user", "content": "a", "images": ["QQ=="]},
            {
                "role": "assistant",
                "content": "",
                "thinking": "t",
                "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}],
            },
            {"role": "tool", "content": "2", "tool_name": "f"},
        ]
        body = {
            "model": "m",
            "messages": messages,
            "think": False,
            "format": "",
            "options": {"num_predict": 5, "num_ctx": 9},
            "keep_alive": "1m",
        }
        image = c.media("Image", {"Base64": "QQ=="})
        self.check(
            request("ollama", "http://localhost:11434/api/chat", body),
            {
                "messages": [
                    c.message("User", [c.text("a"), c.part({"Media": image})]),
                    c.message(
                        "Assistant",
                        [c.reasoning("Text", "t"), c.tool_call("call_0", "f", '{"a": 1}')],
                    ),
                    c.message(
                        "Tool", [c.tool_result("call_0", "f", [c.result_part({"Text": "2"})])]
                    ),
                ],
                "reasoning": c.reasoning_options(enabled=False),
                "max_tokens": 5,
                "streaming": True,
                "extra": [["options", '{"num_ctx":9}'], ["keep_alive", '"1m"']],
            },
        )

    def test_their_openai_side_is_a_compatible_providers(self) -> None:
        body = {"model": "m", "messages": []}
        lifted = lift(record("ollama", "http://localhost:11434/v1/chat/completions", body))
        self.assertEqual(lifted["adapter"], "openai-compatible")


class OtherCalls(Lifting):
    def embed(self, provider: str, url: str, body: Any) -> Any:
        return request(provider, url, body)

    def test_embeddings(self) -> None:
        lifted = self.embed(
            "openai",
            OPENAI + "/embeddings",
            {"model": "m", "input": ["a", "b"], "dimensions": 8, "encoding_format": "base64"},
        )
        self.assertEqual(lifted["input"], [{"Text": "a"}, {"Text": "b"}])
        self.assertEqual(
            (lifted["dimensions"], lifted["extra"]), (8, [["encoding_format", '"base64"']])
        )
        lifted = self.embed("openai", OPENAI + "/embeddings", {"model": "m", "input": [1, 2]})
        self.assertEqual(lifted["input"], [{"Tokens": [1, 2]}])
        body = {
            "model": "m",
            "images": ["data:image/png;base64,QQ=="],
            "input_type": "image",
            "output_dimension": None,
        }
        lifted = self.embed("cohere", "https://api.cohere.com/v2/embed", body)
        image = c.media("Image", {"Base64": "QQ=="}, "image/png")
        self.assertEqual(lifted["input"], [{"Parts": [c.result_part({"Media": image})]}])
        self.assertEqual((lifted["purpose"], lifted["extra"]), ("image", []))
        one = {
            "model": "models/e",
            "content": {"parts": [{"text": "a"}]},
            "taskType": "RETRIEVAL_QUERY",
            "outputDimensionality": 4,
        }
        url = "https://generativelanguage.googleapis.com/v1beta/models/e:batchEmbedContents"
        lifted = self.embed("gemini", url, {"requests": [one, one]})
        self.assertEqual(lifted["input"], [{"Text": "a"}] * 2)
        self.assertEqual((lifted["dimensions"], lifted["purpose"]), (4, "search_query"))
        url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.titan-embed-text-v2%3A0/invoke"
        lifted = self.embed("bedrock", url, {"inputText": "a", "dimensions": 2, "normalize": True})
        self.assertEqual(
            (lifted["input"], lifted["extra"]), ([{"Text": "a"}], [["normalize", "true"]])
        )

    def test_rerank(self) -> None:
        body = {
            "model": "m",
            "query": "q",
            "documents": ["a", "b"],
            "top_n": 1,
            "return_documents": False,
        }
        lifted = lift(record("llamacpp", "http://localhost:8080/v1/rerank", body))
        self.assertEqual(lifted["what"], "rerank")
        expected = {
            "model": "m",
            "query": "q",
            "documents": ["a", "b"],
            "top_n": 1,
            "extra": [["return_documents", "false"]],
        }
        self.assertEqual(lifted["request"], expected)

    def test_a_listing_has_no_request(self) -> None:
        lifted = lift(record("groq", "https://api.groq.com/openai/v1/models", "", method="GET"))
        self.assertEqual(
            (lifted["what"], lifted["request"], lifted["unlifted"]), ("models", None, None)
        )

    def test_the_host_tells_a_provider_that_is_named_otherwise(self) -> None:
        body = {"model": "m", "messages": [], "random_seed": 1}
        lifted = lift(record("la-plateforme", "https://api.mistral.ai/v1/chat/completions", body))
        self.assertEqual(lifted["adapter"], "mistral")
        self.assertEqual(lifted["request"]["sampling"]["seed"], 1)

    def test_what_no_adapter_offers_is_said(self) -> None:
        for url in ("/images/generations", "/completions", "/audio/speech"):
            with self.assertRaises(NotOffered):
                lift(record("openai", OPENAI + url, {}))
        with self.assertRaises(NotOffered):
            lift(
                record(
                    "openai",
                    OPENAI + "/chat/completions",
                    "--form",
                    content_type="multipart/form-data",
                )
            )


if __name__ == "__main__":
    unittest.main()
