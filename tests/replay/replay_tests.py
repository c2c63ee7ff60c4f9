"""The judge judged: answers of every dialect that are wrong in one place are found."""

import base64
import copy
import json
import unittest

import crossing
import dialects
import sent
import verdict
from recorded import Recorded
from rules import Rule

MODEL = "some-1/maker/model"


def sse(*values):
    lines = (value if isinstance(value, str) else json.dumps(value) for value in values)
    return "".join(f"data: {line}\n\n" for line in lines)


def answer(body, status=200):
    text = body if isinstance(body, str) else json.dumps(body)
    kind = "text/event-stream" if text.startswith("data:") else "application/json"
    return {
        "status": status,
        "headers": [["content-type", kind]],
        "body_base64": base64.b64encode(text.encode()).decode(),
    }


def paths(recorded, answered, dialect="openai-chat", format="openai_chat", asked=True, statuses=(200, 200)):
    """Where an answer is found to be another than the recorded one."""
    streamed = isinstance(recorded, str)
    exchange = {
        "id": "some-1",
        "provider": "some",
        "dialect": dialect,
        "format": format,
        "adapter": "openai-compatible",
        "model": MODEL,
        "framing": "sse" if streamed else None,
        "response": answer(recorded, statuses[0]),
        "lifted": None,
    }
    outcome = {"answer": answer(answered, statuses[1]), "seen": {} if asked else None}
    return [one.path for one in verdict.found(exchange, outcome)]


def completion(**changes):
    """A chat completion, as a provider and as the router would write it."""
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    details = [{"type": "reasoning.text", "text": "Hm", "signature": "s", "format": "x", "index": 0}]
    note = {"url": "https://x.test", "title": "X", "start_index": 0, "end_index": 2}
    token = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}
    message = {
        "role": "assistant",
        "content": "Hi",
        "reasoning_details": details,
        "tool_calls": [call],
        "annotations": [{"type": "url_citation", "url_citation": note}],
    }
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": "tool_calls",
        "logprobs": {"content": [token]},
    }
    usage = {
        "prompt_tokens": 7,
        "completion_tokens": 5,
        "total_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 2},
        "cost": 0.5,
    }
    whole = {"id": "x", "model": MODEL, "choices": [choice], "usage": usage, "own_field": "kept"}
    return {**whole, **changes}


def with_change(value, path, new):
    """A copy that is another in one place."""
    held = changed = copy.deepcopy(value)
    *steps, last = path.split(".")
    for step in steps:
        held = held[int(step)] if isinstance(held, list) else held[step]
    held[int(last) if isinstance(held, list) else last] = new
    return changed


class WholeAnswers(unittest.TestCase):
    def test_what_is_the_same_passes(self):
        self.assertEqual(paths(completion(), completion()), [])

    def test_every_part_that_is_another_is_found(self):
        message = "choices.0.message"
        for place, new, found in (
            ("id", "y", "origin.id"),
            ("service_tier", "flex", "origin.service_tier"),
            (f"{message}.content", "Ho", "text"),
            (f"{message}.content", None, "text"),
            (f"{message}.refusal", "No", "parts"),
            (f"{message}.reasoning_details.0.text", "Hum", "reasoning"),
            (f"{message}.reasoning_details.0.signature", "t", "reasoning.signature"),
            (f"{message}.reasoning_details.0.format", "y", "reasoning.format"),
            (f"{message}.tool_calls.0.id", "c2", "call.id"),
            (f"{message}.tool_calls.0.function.name", "g", "call.name"),
            (f"{message}.tool_calls.0.function.arguments", '{"a":1}', "call.input"),
            (f"{message}.annotations.0.url_citation.url", "https://y.test", "citation.url"),
            (f"{message}.annotations.0.url_citation.end_index", 1, "citation.span"),
            (f"{message}.annotations", [], "citations"),
            ("choices.0.finish_reason", "length", "finish.reason"),
            ("choices.0.native_finish_reason", "other", "finish.native"),
            ("choices.0.logprobs.content.0.logprob", -0.25, "logprobs"),
            ("choices.0.logprobs.content.0.bytes", [72], "logprobs"),
            ("usage.prompt_tokens", 8, "usage.prompt_tokens"),
            ("usage.completion_tokens", 6, "usage.completion_tokens"),
            ("usage.prompt_tokens_details.cached_tokens", 2, "usage.cache_read_tokens"),
            ("usage.prompt_tokens_details.audio_tokens", 0, "usage.prompt-audio-tokens"),
            ("usage.completion_tokens_details.reasoning_tokens", 1, "usage.reasoning_tokens"),
            ("usage.cost", 0.25, "usage.cost"),
            ("usage", None, "usage"),
            ("own_field", None, "rest.own_field"),
            ("usage.own", 1, "rest.usage.own"),
            ("choices.0.own", 1, "rest.choices.0.own"),
            (f"{message}.own", 1, "rest.choices.0.message.own"),
            (f"{message}.tool_calls.0.own", 1, "rest.choices.0.message.tool_calls.0.own"),
        ):
            self.assertIn(found, paths(completion(), with_change(completion(), place, new)), place)

    def test_the_name_of_the_model_is_the_one_that_was_asked_for(self):
        found = paths(completion(model="maker/model"), completion(model="maker/model"))
        self.assertEqual(found, ["@model"])

    def test_a_proof_on_a_call_may_stand_beside_it(self):
        google = {"google": {"thought_signature": "s"}}
        recorded = completion()
        recorded["choices"][0]["message"]["tool_calls"][0]["extra_content"] = google
        answered = completion()
        proof = {"type": "reasoning.encrypted", "data": "s", "id": "c1", "format": "g", "index": 1}
        answered["choices"][0]["message"]["reasoning_details"].append(proof)
        found = paths(recorded, answered)
        self.assertEqual(found, ["rest.choices.0.message.tool_calls.0.extra_content"])
        proof["data"] = "t"
        self.assertIn("call.signature", paths(recorded, answered))

    def test_a_subcount_may_be_cut_to_its_whole_and_no_further(self):
        usage = {"prompt_tokens": 1, "completion_tokens": 4, "total_tokens": 5}

        def of(reasoned):
            details = {"completion_tokens_details": {"reasoning_tokens": reasoned}}
            return completion(usage={**usage, **details})

        self.assertEqual(paths(of(6), of(4)), [])
        self.assertEqual(paths(of(6), of(3)), ["usage.reasoning_tokens"])

    def test_a_body_that_is_none_is_found(self):
        self.assertEqual(paths(completion(), {"choices": []})[0], "@answer")


class Streams(unittest.TestCase):
    def chunk(self, delta, **rest):
        return {"id": "x", "model": MODEL, "choices": [{"index": 0, "delta": delta, **rest}]}

    def test_bits_may_be_cut_anywhere(self):
        end = self.chunk({}, finish_reason="stop")
        recorded = sse(self.chunk({"content": "Hel"}), self.chunk({"content": "lo"}), end, "[DONE]")
        answered = sse(self.chunk({"content": "Hello"}), end, "[DONE]")
        self.assertEqual(paths(recorded, answered), [])
        other = sse(self.chunk({"content": "Hell"}), end, "[DONE]")
        self.assertEqual(paths(recorded, other), ["text"])

    def test_a_stream_without_an_end_is_found(self):
        begun = self.chunk({"content": "a"})
        whole = sse(begun, self.chunk({}, finish_reason="stop"), "[DONE]")
        self.assertIn("@failure", paths(whole, sse(begun)))
        self.assertIn("@failure", paths(sse(begun), whole))

    def test_a_stream_is_not_answered_with_a_whole_answer(self):
        whole = completion()
        message = {**whole["choices"][0], "delta": whole["choices"][0]["message"]}
        recorded = sse({**whole, "choices": [message]}, "[DONE]")
        self.assertIn("@stream", paths(recorded, whole))

    def test_an_error_in_a_stream_is_told_in_a_stream(self):
        begun = self.chunk({"content": "a"})
        broken = {"error": {"code": 429, "message": "Slow down, please"}, "choices": []}
        self.assertEqual(paths(sse(begun, broken), sse(begun, broken)), [])
        other = {"error": {"code": 429, "message": "Something else"}, "choices": []}
        self.assertEqual(paths(sse(begun, broken), sse(begun, other)), ["@failure.message"])


def error(code, message, **fields):
    kind = {"type": "some_error", "metadata": {"error_type": "some"}}
    return {"error": {"code": code, "message": message, **kind, **fields}}


class Errors(unittest.TestCase):
    def test_an_error_keeps_its_meaning(self):
        for was, status in ((400, 400), (401, 502), (404, 404), (429, 429), (500, 502), (503, 503)):
            said = {"error": {"message": "It is as it is"}}
            self.assertEqual(paths(said, error(status, "It is as it is"), statuses=(was, status)), [])
        said = {"error": {"message": "It is as it is"}}
        found = paths(said, error(500, "It is as it is"), statuses=(400, 500))
        self.assertEqual(found, ["@status"])
        found = paths(said, error(400, "Another thing"), statuses=(400, 400))
        self.assertEqual(found, ["@failure.message"])

    def test_what_the_router_refuses_by_itself_is_told_in_its_words(self):
        said = {"error": {"message": "It is as it is"}}
        self.assertEqual(paths(said, error(400, "No"), asked=False, statuses=(400, 400)), [])

    def test_an_answer_is_no_error_and_an_error_no_answer(self):
        said = {"error": {"message": "No"}}
        self.assertEqual(paths(completion(), error(400, "No"), statuses=(200, 400)), ["@answer"])
        self.assertEqual(paths(said, completion(), statuses=(400, 200))[0], "@failure")

    def test_an_error_is_in_the_dialects_envelope(self):
        said = {"error": {"message": "No such thing"}}
        for dialect, format, body in (
            ("openai-chat", "openai_chat", error(404, "No such thing")),
            ("openai-responses", "openai_responses", error(404, "No such thing")),
            ("anthropic-messages", "anthropic", {"type": "error", **error(404, "No such thing")}),
            ("gemini", "gemini", error(404, "No such thing", status="NOT_FOUND")),
            ("ollama", "ollama", {"error": "No such thing"}),
        ):
            found = paths(said, body, dialect, format, statuses=(404, 404))
            self.assertEqual(found, [], dialect)
            foreign = {"message": "No such thing"}
            found = paths(said, foreign, dialect, format, statuses=(404, 404))
            self.assertTrue(found[0].startswith("@envelope"), dialect)


class OtherDialects(unittest.TestCase):
    def test_anthropic_messages(self):
        blocks = [
            {"type": "thinking", "thinking": "Hm", "signature": "s"},
            {"type": "text", "text": "Hi"},
            {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
        ]
        usage = {"input_tokens": 3, "output_tokens": 2, "cache_read_input_tokens": 1}
        whole = {
            "id": "x",
            "model": MODEL,
            "content": blocks,
            "stop_reason": "tool_use",
            "stop_sequence": None,
            "usage": usage,
        }
        of = ("anthropic-messages", "anthropic")
        self.assertEqual(paths(whole, whole, *of), [])
        for place, new, found in (
            ("content.0.signature", "t", "reasoning.signature"),
            ("content.1.text", "Ho", "text"),
            ("content.2.input", {"a": 2}, "call.input"),
            ("stop_reason", "end_turn", "finish.reason"),
            ("usage.cache_read_input_tokens", 0, "usage.cache_read_tokens"),
            ("usage.own", 1, "rest.usage.own"),
            ("content.1.own", 1, "rest.content.1.own"),
            ("own", 1, "rest.own"),
        ):
            self.assertIn(found, paths(whole, with_change(whole, place, new), *of), place)

    def test_openai_responses(self):
        items = [
            {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "e"},
            {"type": "function_call", "id": "f", "call_id": "c", "name": "f", "arguments": "{}"},
        ]
        usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
        whole = {"id": "x", "model": MODEL, "output": items, "status": "completed", "usage": usage}
        of = ("openai-responses", "openai_responses")
        self.assertEqual(paths(whole, whole, *of), [])
        for place, new, found in (
            ("output.0.encrypted_content", "d", "reasoning"),
            ("output.1.arguments", "{ }", "call.input"),
            ("output.1.call_id", "d", "call.id"),
            ("output.1.own", 1, "rest.output.1.own"),
            ("usage.own", 1, "rest.usage.own"),
            ("own", 1, "rest.own"),
        ):
            self.assertIn(found, paths(whole, with_change(whole, place, new), *of), place)

    def test_gemini_and_ollama(self):
        part = {"text": "Hi", "thoughtSignature": "s"}
        gemini = {
            "candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}],
            "modelVersion": MODEL,
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2},
        }
        of = ("gemini", "gemini")
        self.assertEqual(paths(gemini, gemini, *of), [])
        place = "candidates.0.content.parts.0.thoughtSignature"
        self.assertIn("text.signature", paths(gemini, with_change(gemini, place, "t"), *of))
        for place in ("own", "usageMetadata.own", "candidates.0.own"):
            self.assertEqual(paths(gemini, with_change(gemini, place, 1), *of), [f"rest.{place}"])
        ollama = {
            "model": MODEL,
            "message": {"role": "assistant", "content": "Hi"},
            "done": True,
            "done_reason": "stop",
            "prompt_eval_count": 3,
            "eval_count": 2,
        }
        of = ("ollama", "ollama")
        self.assertEqual(paths(ollama, ollama, *of), [])
        self.assertIn("text", paths(ollama, with_change(ollama, "message.content", "Ho"), *of))
        for place in ("own", "message.own"):
            self.assertEqual(paths(ollama, with_change(ollama, place, 1), *of), [f"rest.{place}"])

    def test_what_a_stream_tells_beside_what_is_read(self):
        start = {"id": "x", "model": MODEL, "usage": {"input_tokens": 1, "own": 1}, "own": 1}
        block = {"type": "text", "text": "", "own": 1}
        end = {"stop_reason": "end_turn", "ended": 1}
        events = (
            {"type": "message_start", "message": start},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}},
            {"type": "message_delta", "delta": end, "usage": {"output_tokens": 1, "late": 1}},
            {"type": "message_stop"},
        )
        of = ("anthropic-messages", "anthropic")
        self.assertEqual(paths(sse(*events), sse(*events), *of), [])
        for place, field, found in (
            (0, "message.own", "own"),
            (0, "message.usage.own", "usage.own"),
            (1, "content_block.own", "content.0.own"),
            (3, "delta.ended", "ended"),
            (3, "usage.late", "usage.late"),
        ):
            other = [*events]
            other[place] = with_change(events[place], field, 2)
            self.assertEqual(paths(sse(*events), sse(*other), *of), [f"rest.{found}"])

    def test_native_blocks_are_the_same_in_any_order_of_their_fields(self):
        block = {"type": "own", "a": 1, "b": 2}
        message = {"model": MODEL, "content": [block], "stop_reason": "end_turn"}
        turned = {**message, "content": [dict(reversed(block.items()))]}
        of = ("anthropic-messages", "anthropic")
        self.assertEqual(paths(message, turned, *of), [])
        turned["content"][0]["b"] = 3
        self.assertEqual(paths(message, turned, *of), ["native"])


class Offers(unittest.TestCase):
    """What is no chat."""

    def test_vectors(self):
        data = [{"index": 0, "embedding": [0.5, 0.25]}, {"index": 1, "embedding": [1, 0]}]
        whole = {"data": data, "usage": {"prompt_tokens": 3}}
        of = ("openai-embeddings", "openai_chat")
        self.assertEqual(paths(whole, whole, *of), [])
        self.assertEqual(paths(whole, with_change(whole, "data.1.embedding.1", 0.1), *of), ["vector"])
        self.assertEqual(paths(whole, {**whole, "data": data[:1]}, *of), ["vectors"])
        found = paths(whole, with_change(whole, "usage.prompt_tokens", 4), *of)
        self.assertEqual(found, ["usage.prompt_tokens"])
        self.assertEqual(paths(whole, {"data": []}, *of), ["@answer"])

    def test_rankings_and_counts(self):
        ranked = {"results": [{"index": 1, "relevance_score": 0.5}], "usage": {"prompt_tokens": 3}}
        of = ("rerank", "openai_chat")
        self.assertEqual(paths(ranked, ranked, *of), [])
        self.assertEqual(paths(ranked, with_change(ranked, "results.0.index", 0), *of), ["rankings"])
        of = ("anthropic-count", "anthropic")
        self.assertEqual(paths({"input_tokens": 4}, {"input_tokens": 4}, *of), [])
        self.assertEqual(paths({"input_tokens": 4}, {"input_tokens": 5}, *of), ["count"])


class Crossings(unittest.TestCase):
    """Recorded answers, told to clients of other dialects."""

    def crossed(self, recorded, answered, dialect="anthropic-messages"):
        exchange = {
            "crossed": True,
            "dialect": dialect,
            "format": "openai_chat",
            "framing": None,
            "response": answer(recorded),
        }
        outcome = {"answer": answer(answered), "seen": {}}
        return [one.path for one in verdict.found(exchange, outcome)]

    def message(self, **changes):
        blocks = [
            {"type": "thinking", "thinking": "Hm", "signature": "s"},
            {"type": "text", "text": "Hi"},
            {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
        ]
        whole = {"type": "message", "model": MODEL, "content": blocks, "stop_reason": "tool_use"}
        return {**whole, **changes}

    def test_what_was_said_comes_through(self):
        self.assertEqual(self.crossed(completion(), self.message()), [])
        for place, new, found in (
            ("content.0.thinking", "Hum", "reasoning"),
            ("content.1.text", "Ho", "text"),
            ("content.2.name", "g", "calls"),
            ("content.2.input", {"a": 2}, "calls"),
        ):
            other = with_change(self.message(), place, new)
            self.assertEqual(self.crossed(completion(), other), [found])
        refused = {"type": "error", "error": {"type": "api_error", "message": "No"}}
        self.assertEqual(self.crossed(completion(), refused), ["@answer"])

    def test_each_kind_of_answer_is_told_to_all_others(self):
        held = {
            "id": "some-1",
            "provider": "some",
            "what": "chat",
            "format": "ollama",
            "framing": "ndjson",
            "model": "some-1/m",
            "response": answer({"message": {"content": "Hi"}}),
            "recorded": {"body": "{}"},
        }
        told = list(crossing.exchanges([held, held, held]))
        self.assertEqual(len(told), crossing.OF_A_KIND * (len(crossing.ASKED) - 1))
        one = told[0]
        self.assertEqual((one["id"], one["model"]), ("some-1-openai-chat", "some-1-openai-chat/m"))
        self.assertTrue(json.loads(one["request"]["body"])["stream"])
        failed = {**held, "response": answer({"error": "No"}, 400)}
        several = {**held, "recorded": {"body": '{"n": 2}'}}
        self.assertEqual(list(crossing.exchanges([failed, several])), [])

    def test_input_that_is_no_object_has_no_form(self):
        place = "choices.0.message.tool_calls.0.function.arguments"
        cut = with_change(completion(), place, '{"a": ')
        self.assertEqual(self.crossed(cut, self.message()), [])


class Requests(unittest.TestCase):
    def sent(self, name, path, body, headers=(), query=()):
        request = Recorded("some", "POST", "host", path, list(query), dict(headers), body)
        return dialects.DIALECTS[name].send(request, "some-1")

    def test_only_the_model_is_renamed(self):
        body = '{"model":"m", "n":1.0,"messages":[{"content": "\\u00e4"}]}'
        path, _, sent = self.sent("openai-chat", "/v1/chat/completions", body)
        self.assertEqual(path, "/v1/chat/completions")
        self.assertEqual(sent, '{"model":"some-1/m","n":1.0,"messages":[{"content": "\\u00e4"}]}')

    def test_wishes_that_name_providers_stay_behind(self):
        body = '{"model":"m","provider":{"only":["x"]},"models":["n"],"route":"fallback"}'
        self.assertEqual(self.sent("openai-chat", "/", body)[2], '{"model":"some-1/m"}')

    def test_a_model_that_stands_in_the_path(self):
        path = "/v1beta/models/m-1:streamGenerateContent"
        query = [("alt", "sse"), ("key", "secret")]
        path, _, sent = self.sent("gemini", path, '{"contents":[]}', query=query)
        self.assertEqual(path, "/v1beta/models/some-1/m-1:streamGenerateContent?alt=sse")
        self.assertEqual(sent, '{"contents":[]}')

        body = '{"content":{},"model":"models/m-1"}'
        path, _, sent = self.sent("gemini-embeddings", "/v1beta/models/m-1:embedContent", body)
        self.assertEqual(path, "/v1beta/models/some-1/m-1:embedContent")
        self.assertEqual(sent, '{"content":{},"model":"models/some-1/m-1"}')
        path = "/model/maker.m-v1:0/invoke"
        sent = self.sent("anthropic-messages", path, '{"max_tokens":1}')[2]
        self.assertEqual(sent, '{"model":"some-1/maker.m-v1:0","max_tokens":1}')

    def test_messages_that_others_host(self):
        path = "/v1/projects/p/locations/l/publishers/anthropic/models/m-1:streamRawPredict"
        body = '{"anthropic_version":"vertex-2023-10-16","anthropic_beta":["b"],"max_tokens":1}'
        path, headers, sent = self.sent("anthropic-messages", path, body)
        self.assertEqual(path, "/v1/messages")
        self.assertIn(["anthropic-beta", "b"], headers)
        self.assertEqual(sent, '{"model":"some-1/m-1","max_tokens":1,"stream":true}')


class SentRequests(unittest.TestCase):
    def found(self, recorded, seen, dialect="openai-chat", adapter="openai-compatible"):
        exchange = {
            "what": "chat",
            "dialect": dialect,
            "adapter": adapter,
            "base_path": "/v1",
            "lifted": {"dialect": dialect},
            "recorded": {
                "method": "POST",
                "path": "/v1/sent",
                "query": [],
                "headers": [],
                "body": json.dumps(recorded),
            },
            "response": answer(completion()),
        }
        request = {"method": "POST", "path": "/sent", "headers": []}
        outcome = {"seen": {**request, "body": json.dumps(seen)}}
        return [one.path for one in sent.differences(exchange, outcome)]

    def test_what_left_is_what_was_asked(self):
        asked = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "seed": 1}
        self.assertEqual(self.found({**asked, "route": "fallback"}, asked), [])
        self.assertEqual(self.found(asked, {**asked, "seed": 2}), ["sent.seed"])
        other = [{"role": "user", "content": "Ho"}]
        self.assertTrue(self.found(asked, {**asked, "messages": other})[0].startswith("sent.mess"))
        self.assertEqual(self.found({**asked, "own": 1}, asked), ["sent.own"])

    def test_reasoning_that_does_not_say_whose_it_is_stays_with_openai(self):
        said = {"type": "message", "role": "user", "content": "Hi"}
        thought = {"type": "reasoning", "id": "r", "summary": []}
        asked = {"model": "m", "input": [said, thought], "store": False}
        left = {**asked, "input": [said]}
        self.assertEqual(self.found(asked, left, "openai-responses", "xai"), [])
        self.assertEqual(self.found(asked, left, "openai-responses", "openai"), ["sent.input.1"])
        labelled = {**asked, "input": [said, {**thought, "format": "xai-responses-v1"}]}
        found = self.found(labelled, left, "openai-responses", "xai")
        self.assertEqual(found, ["sent.input.1"])


class Lists(unittest.TestCase):
    def exchange(self, id="some-1"):
        return {
            "id": id,
            "provider": "some",
            "dialect": "openai-chat",
            "format": "openai_chat",
            "adapter": "openai-compatible",
            "model": MODEL,
            "framing": None,
            "response": answer(completion()),
            "lifted": None,
        }

    def judged(self, rules=(), exclusions=None, count=1):
        given = [Rule({"kind": "changed", "reason": "It is as it is.", **one}) for one in rules]
        held = verdict.Verdict(given, exclusions or {})
        other = {"answer": answer(completion(id="y")), "seen": {}}
        for number in range(count):
            held.judge(self.exchange(f"some-{number + 1}"), other)
        return held

    def test_a_rule_explains_its_path_only(self):
        self.assertEqual(self.judged([{"path": "origin.id"}]).groups, {})
        self.assertEqual(len(self.judged([{"path": "origin.model"}]).groups), 1)

    def test_a_rule_that_explains_nothing_is_a_flaw(self):
        held = self.judged([{"path": "origin.id"}, {"path": "text"}])
        self.assertEqual(len(list(held.flaws(whole=True))), 1)
        self.assertEqual(list(held.flaws(whole=False)), [])

    def test_exclusions_are_counted_and_bounded(self):
        held = self.judged(exclusions={"some-1": "r", "other-1": "r"}, count=100)
        row = held.rows[("openai-chat", "some")]
        self.assertEqual((row.run, row.failed, row.excluded), (100, 99, 1))
        self.assertEqual(len(list(held.flaws(whole=True))), 1, "one excludes nothing")
        held = self.judged(exclusions={f"some-{n}": "r" for n in (1, 2, 3)}, count=100)
        self.assertIn("3 of 100 excluded", "".join(held.flaws(whole=True)))

    def test_an_exchange_without_an_outcome_fails(self):
        held = verdict.Verdict([], {})
        held.judge(self.exchange(), None)
        self.assertEqual(held.rows[("openai-chat", "some")].failed, 1)


if __name__ == "__main__":
    unittest.main()
