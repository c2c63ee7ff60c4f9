"""The judge judged: small bodies of every format, and results that are wrong in one place."""

import base64
import copy
import json
import struct
import unittest
import zlib

import anthropic
import cohere
import compare
import compare_failure
import converse
import endpoints
import errors
import gemini
import invoke
import judge
import mirror
import ollama
import openai_chat
import openai_responses
import others
import streams
import traffic
import wire
from streams import Unreadable, frames


def whole(reader, value, headers=()):
    return reader.whole(json.dumps(value).encode(), list(headers))


def sse(reader, *values):
    body = "".join(
        f"data: {value if isinstance(value, str) else json.dumps(value)}\n\n" for value in values
    )
    return reader.streamed(frames(body.encode(), "sse"), [])


def message(headers, payload):
    """One message of an AWS event stream."""
    held = b""
    for name, value in headers.items():
        held += bytes([len(name)]) + name.encode() + b"\x07"
        held += struct.pack(">H", len(value)) + value.encode()
    head = struct.pack(">II", 16 + len(held) + len(payload), len(held))
    message = head + struct.pack(">I", zlib.crc32(head)) + held + payload
    return message + struct.pack(">I", zlib.crc32(message))


def event(kind, value):
    headers = {":message-type": "event", ":event-type": kind}
    return message(headers, json.dumps(value).encode())


def task(expected, what="chat"):
    return {
        "id": "one",
        "provider": "some",
        "what": what,
        "request": {"dialect": "some-dialect"},
        "response": {"status": 200},
        "expected": expected,
    }


def part(expected, number=0):
    return expected["parts"][number]


class Streams(unittest.TestCase):
    def test_events_end_at_any_line_end_and_comments_are_passed_by(self):
        body = b": a comment\r\nevent: one\r\ndata: {\r\ndata: }\r\n\r\ndata:two\r\rdata: three"
        read = [(frame.kind, frame.text()) for frame in streams.events(body)]
        self.assertEqual(read, [("one", "{\n}"), (None, "two"), (None, "three")])

    def test_messages_are_read_with_their_headers(self):
        found = frames(event("chunk", {}) + event("end", {}), "aws-event-stream")
        self.assertEqual([frame.kind for frame in found], ["chunk", "end"])

    def test_a_message_with_a_wrong_checksum_is_refused(self):
        body = bytearray(event("chunk", {"a": 1}))
        body[-6] ^= 1
        with self.assertRaises(Unreadable):
            frames(bytes(body), "aws-event-stream")

    def test_a_cut_message_is_refused(self):
        with self.assertRaises(Unreadable):
            frames(event("chunk", {})[:-3], "aws-event-stream")


class Traffic(unittest.TestCase):
    def framing(self, body, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return traffic.framing({"response": {"status": 200, "headers": named, "body": body}})

    def test_how_a_body_is_framed_where_the_recorder_does_not_say(self):
        self.assertEqual(self.framing("data: {}"), "sse")
        self.assertEqual(self.framing("{}", content_type="application/x-ndjson"), "ndjson")
        self.assertIsNone(self.framing('{"error":1}', content_type="text/event-stream"))

    def test_endpoints_are_told_by_method_and_path(self):
        for method, path, what, format in (
            ("POST", "/openai/deployments/d/chat/completions?api-version=1", "chat", "openai_chat"),
            ("post", "/v1beta/models/m:streamGenerateContent?alt=sse", "chat", "gemini"),
            ("POST", "/model/arn%3Aaws%3Aprofile%2Fm/converse-stream", "chat", "converse"),
            ("POST", "/v1/publishers/anthropic/models/m:streamRawPredict", "chat", "anthropic"),
            ("GET", "/api/tags", "models", "ollama"),
        ):
            request = {"method": method, "url": f"https://host{path}", "body": "{}"}
            found = endpoints.of({"request": request, "response": {"status": 200}})
            self.assertEqual((found.what, found.format), (what, format), path)

    def test_what_is_no_exchange_is_left_out_with_a_reason(self):
        for path in ("/v1/images/generations", "/v1/completions", "/something/else"):
            request = {"method": "POST", "url": f"https://host{path}"}
            self.assertTrue(endpoints.of({"request": request, "response": {"status": 200}}).skipped)


class Wire(unittest.TestCase):
    def test_the_text_of_numbers_and_the_order_of_members_are_kept(self):
        written = '{"b":1.0,"a":[1e5,10000000000000000000001,"ü"]}'
        self.assertEqual(wire.dumps(wire.loads(written)), written)

    def test_a_pointer_leads_past_nothing(self):
        self.assertIsNone(wire.pointer({"a": None}, "/a/b"))
        self.assertEqual(wire.pointer({"a": [{"b": 1}]}, "/a/0/b"), 1)


class OpenAiChat(unittest.TestCase):
    def test_a_whole_body(self):
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{ }"}}
        said = {"content": "Hi", "reasoning_content": "Hm", "tool_calls": [call]}
        usage = {
            "prompt_tokens": 7,
            "completion_tokens": 5,
            "total_tokens": 14,
            "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 1},
            "completion_tokens_details": {"reasoning_tokens": 2},
            "cost": 0.00012,
        }
        choice = {"index": 0, "message": said, "finish_reason": "tool_calls"}
        read = whole(openai_chat, {"id": "x", "model": "m", "choices": [choice], "usage": usage})
        kinds = [(one["kind"], one["text"]) for one in read["parts"]]
        self.assertEqual(kinds, [("reasoning", "Hm"), ("text", "Hi"), ("call", "{ }")])
        used = read["usage"][0]
        self.assertEqual(used["completion_tokens"], 7, "reasoning came on top")
        self.assertEqual(used["meters"], {"prompt-audio-tokens": 1})
        self.assertEqual(used["cost"], [120_000_000])
        self.assertEqual(read["finishes"][0]["reason"], ["ToolCalls"])

    def test_a_stream_whose_text_goes_on_after_a_call(self):
        def chunk(delta, **rest):
            return {"id": "x", "choices": [{"index": 0, "delta": delta, **rest}]}

        begun = [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{"}}]
        ended = [{"index": 0, "function": {"arguments": "}"}}]
        read = sse(
            openai_chat,
            chunk({"content": "a"}),
            chunk({"tool_calls": begun}),
            chunk({"tool_calls": ended, "content": "b"}),
            chunk({}, finish_reason="tool_calls"),
            "[DONE]",
        )
        kinds = [(one["kind"], one["text"]) for one in read["parts"]]
        self.assertEqual(kinds, [("text", "ab"), ("call", "{}")])
        self.assertIsNone(read["failure"])

    def test_a_stream_without_an_end_is_cut(self):
        read = sse(openai_chat, {"choices": [{"index": 0, "delta": {"content": "a"}}]})
        self.assertEqual(read["failure"]["kinds"], ["Unavailable"])

    def test_an_error_inside_a_stream(self):
        read = sse(openai_chat, {"choices": []}, {"error": {"code": 429, "message": "Slow down"}})
        self.assertEqual(read["failure"]["kinds"], ["RateLimited"])

    def test_signed_reasoning_details(self):
        details = [
            {"type": "reasoning.text", "index": 0, "text": "Hm"},
            {"type": "reasoning.text", "index": 0, "signature": "s", "format": "f"},
            {"type": "reasoning.encrypted", "index": 1, "data": "d", "id": "i", "format": "f"},
        ]
        said = {"reasoning": "Hm", "reasoning_details": details}
        read = whole(openai_chat, {"choices": [{"message": said, "finish_reason": "stop"}]})
        self.assertEqual(part(read)["text"], "Hm")
        self.assertEqual(part(read)["signature"], "s")
        self.assertEqual((part(read, 1)["of"], part(read, 1)["item_id"]), ("Encrypted", ["i"]))

    def test_ticks_are_ten_thousandths_of_a_millionth_of_a_dollar(self):
        usage = {"prompt_tokens": 1, "cost_in_usd_ticks": 15}
        choice = {"message": {"content": "a"}, "finish_reason": "stop"}
        read = whole(openai_chat, {"choices": [choice], "usage": usage})
        self.assertEqual(read["usage"][0]["cost"], [1500])

    def test_no_choices_are_no_answer(self):
        self.assertIn("unreadable", whole(openai_chat, {"message": "ingested"}))
        self.assertIn("unreadable", openai_chat.whole(b"<html>", []))


class OpenAiResponses(unittest.TestCase):
    ITEMS = [
        {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "e"},
        {"type": "web_search_call", "id": "w", "status": "completed"},
        {
            "type": "message",
            "id": "m",
            "content": [
                {
                    "type": "output_text",
                    "text": "Hi",
                    "annotations": [
                        {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 2}
                    ],
                }
            ],
        },
        {"type": "function_call", "id": "f", "call_id": "c", "name": "n", "arguments": "{}"},
    ]
    RESPONSE = {
        "id": "x",
        "status": "completed",
        "usage": {"input_tokens": 2, "output_tokens": 3, "total_tokens": 5},
    }

    def check(self, read):
        kinds = [one["kind"] for one in read["parts"]]
        self.assertEqual(kinds, ["reasoning", "native", "text", "call"])
        self.assertEqual(part(read, 2)["citations"][0]["span"], [[0, 2]])
        self.assertEqual(part(read, 3)["item_id"], ["f"])
        self.assertEqual(read["finishes"][0]["reason"], ["ToolCalls"])
        self.assertEqual(read["usage"][0]["completion_tokens"], 3)

    def test_a_whole_body(self):
        self.check(whole(openai_responses, {**self.RESPONSE, "output": self.ITEMS}))

    def test_a_stream(self):
        done = [
            {"type": "response.output_item.done", "output_index": place, "item": item}
            for place, item in enumerate(self.ITEMS)
        ]
        last = {"type": "response.completed", "response": self.RESPONSE}
        self.check(sse(openai_responses, *done, last))

    def test_a_cut_stream_keeps_what_came(self):
        delta = {"type": "response.output_text.delta", "output_index": 0, "delta": "Hi"}
        read = sse(openai_responses, delta)
        self.assertEqual(part(read)["text"], "Hi")
        self.assertEqual(read["failure"]["kinds"], ["Unavailable"])


class Anthropic(unittest.TestCase):
    EVENTS = [
        {"type": "message_start", "message": {"id": "x", "usage": {"input_tokens": 5, "cache_read_input_tokens": 3}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "c", "name": "f", "input": {}}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{ }"}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 4}},
        {"type": "message_stop"},
    ]

    def check(self, read):
        self.assertEqual((part(read)["text"], part(read)["signature"]), ("Hm", "s"))
        self.assertEqual((part(read, 1)["text"], part(read, 1)["id"]), ("{ }", "c"))
        self.assertEqual(read["usage"][0]["prompt_tokens"], 8)
        self.assertEqual(read["finishes"][0]["reason"], ["ToolCalls"])
        self.assertIsNone(read["failure"])

    def test_a_stream(self):
        self.check(sse(anthropic, *self.EVENTS))

    def test_a_stream_wrapped_by_bedrock(self):
        wrapped = [{"bytes": base64.b64encode(json.dumps(e).encode()).decode()} for e in self.EVENTS]
        body = b"".join(event("chunk", one) for one in wrapped)
        self.check(invoke.streamed(frames(body, "aws-event-stream"), []))

    def test_a_stream_without_its_last_event_is_cut(self):
        self.assertEqual(sse(anthropic, *self.EVENTS[:-1])["failure"]["kinds"], ["Unavailable"])

    def test_models_consulted_are_counted_apart(self):
        other = {"type": "advisor_message", "model": "wise", "input_tokens": 9, "output_tokens": 1}
        usage = {"input_tokens": 2, "output_tokens": 1, "iterations": [other, other]}
        read = whole(anthropic, {"content": [], "stop_reason": "end_turn", "usage": usage})
        counted = [(one["model"], one["prompt_tokens"]) for one in read["usage"]]
        self.assertEqual(counted, [(None, 2), ("wise", 18)])

    def test_overloaded_inside_a_stream(self):
        error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        self.assertEqual(sse(anthropic, error)["failure"]["kinds"], ["Overloaded"])


class Gemini(unittest.TestCase):
    def test_a_stream(self):
        def chunk(*parts, **rest):
            return {"candidates": [{"content": {"parts": list(parts)}, **rest}]}

        call = {"functionCall": {"name": "f", "args": {"b": 1, "a": 2}}, "thoughtSignature": "s"}
        usage = {
            "promptTokenCount": 5,
            "toolUsePromptTokenCount": 2,
            "candidatesTokenCount": 3,
            "thoughtsTokenCount": 4,
            "promptTokensDetails": [{"modality": "IMAGE", "tokenCount": 1}],
        }
        read = sse(
            gemini,
            chunk({"text": "Hm", "thought": True}),
            chunk({"text": "a"}),
            chunk({"text": "b"}, call),
            {**chunk({"text": "", "thoughtSignature": "t"}, finishReason="STOP"), "usageMetadata": usage},
        )
        kinds = [(one["kind"], one["text"]) for one in read["parts"]]
        self.assertEqual(
            kinds, [("reasoning", "Hm"), ("text", "ab"), ("call", '{"b":1,"a":2}'), ("text", "")]
        )
        self.assertEqual(part(read, 2)["signature"], "s")
        used = read["usage"][0]
        self.assertEqual((used["prompt_tokens"], used["completion_tokens"]), (7, 7))
        self.assertEqual(used["meters"], {"prompt-image-tokens": 1})
        self.assertEqual(read["finishes"][0]["reason"], ["ToolCalls"])

    def test_offsets_in_bytes_become_offsets_in_characters(self):
        grounding = {
            "groundingChunks": [{"web": {"uri": "u", "title": "t"}}],
            "groundingSupports": [
                {"segment": {"startIndex": 3, "endIndex": 5}, "groundingChunkIndices": [0]}
            ],
        }
        candidate = {
            "content": {"parts": [{"text": "ü hi"}]},
            "finishReason": "STOP",
            "groundingMetadata": grounding,
        }
        read = whole(gemini, {"candidates": [candidate]})
        self.assertEqual(part(read)["citations"][0]["span"], [[2, 4]])

    def test_a_blocked_prompt_can_be_read_in_two_ways(self):
        read = whole(gemini, {"promptFeedback": {"blockReason": "SAFETY"}})
        self.assertEqual(read["kind"], "either")
        for reading in read["readings"]:
            given = mirror.result(task(reading))
            self.assertEqual(compare.decoded(task(read), given), [])


class Converse(unittest.TestCase):
    def test_a_whole_body(self):
        content = [
            {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "s"}}},
            {"toolUse": {"toolUseId": "c", "name": "f", "input": {"a": 1.0}}},
        ]
        usage = {"inputTokens": 1, "outputTokens": 2, "cacheReadInputTokens": 3, "cacheWriteInputTokens": 4}
        value = {"output": {"message": {"content": content}}, "stopReason": "tool_use", "usage": usage}
        read = whole(converse, value, [["x-amzn-requestid", "q"]])
        self.assertEqual(part(read)["signature"], "s")
        self.assertEqual(part(read, 1)["text"], '{"a":1.0}')
        self.assertEqual(read["usage"][0]["prompt_tokens"], 8)
        self.assertEqual(read["origin"]["id"], ["q"])

    def test_an_exception_ends_a_stream(self):
        headers = {":message-type": "exception", ":exception-type": "throttlingException"}
        body = event("messageStart", {"role": "assistant"})
        body += event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "a"}})
        body += message(headers, b'{"message":"Too many"}')
        read = converse.streamed(frames(body, "aws-event-stream"), [])
        self.assertEqual(part(read)["text"], "a")
        self.assertEqual(read["failure"]["kinds"], ["RateLimited"])
        self.assertEqual(read["failure"]["said"], "Too many")


class Cohere(unittest.TestCase):
    def test_a_stream(self):
        read = sse(
            cohere,
            {"type": "message-start", "id": "x"},
            {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I will"}}},
            {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": {"id": "c", "function": {"name": "f", "arguments": ""}}}}},
            {"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {"function": {"arguments": "{}"}}}}},
            {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": {"tokens": {"input_tokens": 9}, "billed_units": {"input_tokens": 4}}}},
        )
        kinds = [(one["kind"], one["text"]) for one in read["parts"]]
        self.assertEqual(kinds, [("reasoning", "I will"), ("call", "{}")])
        self.assertEqual(read["usage"][0]["prompt_tokens"], 9)
        self.assertEqual(read["usage"][0]["counted"], [4])

    def test_citations_name_the_characters_that_they_are_for(self):
        cited = {"start": 0, "end": 2, "sources": [{"type": "document", "document": {"title": "t"}}]}
        said = {"content": [{"type": "text", "text": "Hi"}], "citations": [cited]}
        read = whole(cohere, {"message": said, "finish_reason": "COMPLETE"})
        self.assertEqual(part(read)["citations"][0]["span"], [[0, 2]])


class Ollama(unittest.TestCase):
    def test_lines(self):
        lines = [
            {"model": "m", "message": {"content": "", "thinking": "Hm"}, "done": False},
            {"message": {"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}, "done": False},
            {"message": {"content": ""}, "done": True, "done_reason": "stop", "eval_count": 3},
        ]
        body = "\n".join(map(json.dumps, lines)).encode()
        read = ollama.streamed(frames(body, "ndjson"), [])
        self.assertEqual([one["kind"] for one in read["parts"]], ["reasoning", "call"])
        self.assertEqual(read["finishes"][0]["reason"], ["ToolCalls"])

    def test_lines_without_the_last_are_cut(self):
        read = whole(ollama, {"message": {"content": "a"}, "done": False})
        self.assertEqual(read["failure"]["kinds"], ["Unavailable"])


class Others(unittest.TestCase):
    def test_vectors_stand_in_the_order_of_the_input(self):
        held = base64.b64encode(struct.pack("<2f", 0.5, 1)).decode()
        data = [{"index": 1, "embedding": [2, 3]}, {"index": 0, "embedding": held}]
        read = others.embeddings(json.dumps({"data": data}).encode())
        self.assertEqual(read["vectors"], [[0.5, 1.0], [2.0, 3.0]])

    def test_rankings_stand_best_first(self):
        results = [{"index": 0, "relevance_score": 0.1}, {"index": 1, "relevance_score": 0.9}]
        read = others.rerank(json.dumps({"results": results}).encode())
        self.assertEqual(read["rankings"], [[1, 0.9], [0, 0.1]])

    def test_counts_go_by_many_names(self):
        for name in ("input_tokens", "inputTokens", "totalTokens"):
            self.assertEqual(others.count_of(json.dumps({name: 3}).encode())["count"], 3)


class Errors(unittest.TestCase):
    def kinds(self, status, body, **headers):
        named = [[name.replace("_", "-"), value] for name, value in headers.items()]
        return errors.explained(status, named, json.dumps(body).encode())

    def test_kinds(self):
        for status, message, kind in (
            (429, "Rate limit reached", "RateLimited"),
            (429, "You exceeded your current quota", "PaymentRequired"),
            (529, "Overloaded", "Overloaded"),
            (401, "Invalid API key", "Authentication"),
            (400, "API key not valid", "Authentication"),
            (400, "prompt is too long: 9 tokens", "ContextLengthExceeded"),
            (404, "The model `x` does not exist", "ModelNotFound"),
            (400, "temperature: range 0..1", "InvalidRequest"),
            (500, "Oops", "Unavailable"),
        ):
            read = self.kinds(status, {"error": {"message": message}})
            self.assertEqual(read["kinds"][0], kind, message)

    def test_code_field_and_delay(self):
        error = {"message": "No", "code": "c", "param": "p"}
        read = self.kinds(429, {"error": error}, retry_after="2")
        self.assertEqual((read["codes"], read["param"], read["retry_after_ms"]), (["c"], ["p"], [2000]))

    def test_the_delay_that_a_message_names(self):
        read = self.kinds(429, {"error": {"message": "Please try again in 1m2.5s."}})
        self.assertEqual(read["retry_after_ms"], [62500])
        read = self.kinds(429, {"error": {"message": "Please try again in 18.642s."}})
        self.assertEqual(read["retry_after_ms"], [18642])


class Comparison(unittest.TestCase):
    def setUp(self):
        events = Anthropic.EVENTS
        text = {"type": "content_block_start", "index": 2, "content_block": {"type": "text", "text": "Hi"}}
        native = {"type": "content_block_start", "index": 3, "content_block": {"type": "server_tool_use", "id": "v"}}
        self.task = task(sse(anthropic, *events[:-2], text, native, *events[-2:]))
        self.result = mirror.result(self.task)

    def altered(self, alter):
        result = copy.deepcopy(self.result)
        alter(result["answer"])
        return [name for name, _, _ in compare.decoded(self.task, result)]

    def test_what_is_expected_passes(self):
        self.assertEqual(compare.decoded(self.task, self.result), [])

    def test_each_alteration_is_found(self):
        def body(answer, place):
            return answer["parts"][place]["part"]["body"]

        for name, alter in (
            ("reasoning.Text", lambda a: body(a, 0)["Reasoning"].update(Text="")),
            ("reasoning.signature", lambda a: a["parts"][0]["part"].update(signature="t")),
            ("reasoning.format", lambda a: a["parts"][0]["part"].update(format="other")),
            ("call.input", lambda a: body(a, 1)["ToolCall"].update(input="{}")),
            ("call.id", lambda a: body(a, 1)["ToolCall"].update(id="d")),
            ("text", lambda a: body(a, 2).update(Text="Ho")),
            ("native", lambda a: body(a, 3).update(Native='{"type":"other"}')),
            ("parts", lambda a: a["parts"].reverse()),
            ("parts", lambda a: a["parts"].pop(1)),
            ("usage.prompt_tokens", lambda a: a["usage"][0].update(prompt_tokens=5)),
            ("usage.web-searches", lambda a: a["usage"][0].update(meters=[["web-searches", 1]])),
            ("usage.cost", lambda a: a["usage"][0].update(cost=1)),
            ("usage", lambda a: a["usage"].clear()),
            ("finish.reason", lambda a: a["finishes"][0].update(reason="Stop")),
            ("finish.native", lambda a: a["finishes"][0].update(native="stop")),
            ("finish", lambda a: a["finishes"].clear()),
            ("origin.id", lambda a: a["origin"].update(id=None)),
            ("failure", lambda a: a.update(failure={"kind": "Other", "message": "No"})),
        ):
            with self.subTest(name):
                self.assertIn(name, self.altered(alter))

    def test_empty_text_and_the_cutting_of_text_are_free(self):
        def alter(answer):
            said = answer["parts"][2]
            ended = copy.deepcopy(said)
            said["part"]["body"]["Text"], ended["part"]["body"]["Text"] = "H", "i"
            empty = copy.deepcopy(said)
            empty["part"]["body"]["Text"] = ""
            answer["parts"][2:3] = [said, ended, empty]

        self.assertEqual(self.altered(alter), [])

    def test_native_blocks_are_for_their_own_dialect(self):
        self.task["request"]["dialect"] = "foreign"
        self.assertEqual(self.altered(lambda _: None), ["native.foreign"])
        self.assertEqual(self.altered(lambda answer: answer["parts"].pop(3)), [])

    def test_a_lost_source_and_a_lost_count_are_found(self):
        cited = {"start": 0, "end": 2, "sources": [{"id": "s"}, {"id": "t"}]}
        said = {"content": [{"type": "text", "text": "Hi"}], "citations": [cited]}
        usage = {"tokens": {"input_tokens": 9}, "billed_units": {"input_tokens": 4}}
        value = {"message": said, "finish_reason": "COMPLETE", "usage": usage}
        self.task = task(whole(cohere, value))
        self.result = mirror.result(self.task)
        self.assertEqual(self.altered(lambda _: None), [])
        cut = self.altered(lambda answer: answer["parts"][0]["part"]["citations"].pop())
        self.assertEqual(cut, ["citations"])
        lost = self.altered(lambda answer: answer["usage"][0]["meters"].clear())
        self.assertEqual(lost, ["usage.counted"])

    def test_logprobs_belong_to_thoughts_or_to_all_else(self):
        token = {"token": "a", "logprob": -0.5, "top_logprobs": []}
        choice = {
            "message": {"content": "a"},
            "logprobs": {"content": [token]},
            "finish_reason": "stop",
        }
        self.task = task(whole(openai_chat, {"choices": [choice]}))
        self.result = mirror.result(self.task)
        self.assertEqual(self.altered(lambda _: None), [])

        def move(answer):
            held = answer["logprobs"][0]
            held["reasoning"], held["text"] = held["text"], []

        self.assertEqual(self.altered(move), ["logprobs.reasoning", "logprobs.text"])

    def test_a_message_may_be_cut_but_not_replaced(self):
        wanted = {"kinds": ["Other"], "said": "The model is busy, try again later, please."}
        told = {"kind": "Other", "message": "The model is busy, try again later"}
        self.assertEqual(list(compare_failure.differences(wanted, told)), [])
        told["message"] = "The provider failed"
        self.assertEqual([name for name, *_ in compare_failure.differences(wanted, told)], ["failure.message"])

    def test_traps_breaches_and_splits_are_failures(self):
        self.task["request"] = None
        self.result["encode"] = None
        for name in ("trap", "breach", "splits_differ"):
            found = list(judge.differences(self.task, {**self.result, name: "at byte 3"}))
            self.assertEqual([field for _, field, _, _ in found], [name])

    def test_an_exchange_that_was_not_run_is_a_failure(self):
        self.assertEqual(next(judge.differences(self.task, None))[1], "run")


class Exclusions(unittest.TestCase):
    def held(self, **fields):
        exclusions = judge.Exclusions()
        exclusions._add({"id": "one", "checks": ["decode"], "reason": "why", **fields})
        return exclusions

    def test_one_that_excludes_nothing_is_a_flaw(self):
        exclusions = self.held()
        self.assertEqual(len(exclusions.unused({"one", "two"})), 1)
        self.assertTrue(exclusions.cover("one", "decode"))
        self.assertEqual(exclusions.unused({"one", "two"}), [])

    def test_those_of_other_traffic_are_none(self):
        self.assertEqual(self.held().unused({"two"}), [])

    def test_one_without_a_reason_is_a_flaw(self):
        self.assertEqual(len(self.held(reason=" ").flaws), 1)

    def test_only_a_share_may_be_excluded(self):
        self.assertEqual(judge._over({"some": judge.Row(run=100, excluded={"a", "b"})}), [])
        self.assertEqual(len(judge._over({"some": judge.Row(run=100, excluded={"a", "b", "c"})})), 1)


if __name__ == "__main__":
    unittest.main()
