// What `openai` for Node sees of a router's responses.
"use strict";

const assert = require("node:assert/strict");
const { default: OpenAI, APIError, RateLimitError, InternalServerError } = require("openai");
const { zodTextFormat } = require("openai/helpers/zod");
const { City, LONG, THOUGHT, TOWN, WEATHER, all, pixel, raised, run } = require("./behaviours.js");

const TOOL = {
  type: "function",
  name: "weather",
  description: "The weather of a city",
  parameters: WEATHER,
  strict: true,
};

const user = (content) => ({ role: "user", content });

const make = (router) => {
  const client = new OpenAI({
    baseURL: `${router.root}/v1`, apiKey: "unused", maxRetries: 0, timeout: 20_000,
  });
  const request = (input, options = {}) => {
    return { model: router.model, input, store: false, ...options };
  };
  const ask = (input, options) => client.responses.create(request(input, options));
  /** The answer that a stream ends with. */
  const together = (input, options) => {
    return client.responses.stream(request(input, options)).finalResponse();
  };
  return { router, client, request, ask, together };
};

async function chat({ router, ask }) {
  const answer = await ask("Hello", { instructions: "Be brief." });
  assert.equal(answer.status, "completed");
  assert.equal(answer.model, router.model);
  assert.equal(answer.output_text, "You said: Hello");
  assert.ok(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0);
}

async function aStreamSaysTheSameAsAWholeAnswer({ ask }) {
  const whole = await ask(LONG);
  const events = await all(await ask(LONG, { stream: true }));
  assert.deepEqual(events.map((event) => event.sequence_number), [...events.keys()]);
  const deltas = events.filter((event) => event.type === "response.output_text.delta");
  assert.ok(deltas.length > 3);
  assert.equal(deltas.map((event) => event.delta).join(""), whole.output_text);
  assert.equal(events.at(-1).type, "response.completed");
  assert.deepEqual(events.at(-1).response.usage, whole.usage);
}

async function aToolLoopCloses({ ask, together }) {
  const question = user("How is the weather in Oslo?");
  for (const answered of [ask, together]) {
    const first = await answered([question], { tools: [TOOL] });
    const [call] = first.output.filter((item) => item.type === "function_call");
    assert.equal(call.name, "weather");
    assert.deepEqual(JSON.parse(call.arguments), { city: "Oslo" });
    const result = { type: "function_call_output", call_id: call.call_id, output: "Rain, 7 degrees" };
    const second = await answered([question, ...first.output, result], { tools: [TOOL] });
    assert.equal(second.output.at(-1).content[0].text, "The tool said: Rain, 7 degrees");
  }
}

async function anImageArrives({ ask }) {
  const url = `data:image/png;base64,${pixel().toString("base64")}`;
  const image = { type: "input_image", image_url: url, detail: "auto" };
  const answer = await ask([user([{ type: "input_text", text: "What is this?" }, image])]);
  assert.equal(answer.output_text, "You said: What is this? I see 1 image.");
}

async function anAnswerHasTheShapeThatWasAskedFor({ client, request }) {
  const options = { text: { format: zodTextFormat(City, "city") } };
  const answer = await client.responses.parse(request("A city!", options));
  assert.deepEqual(answer.output_parsed, TOWN);
}

async function thoughtsAreShownAndComeBack({ router, ask, together }) {
  const options = {
    model: router.upstream("thinking"),
    include: ["reasoning.encrypted_content"],
    reasoning: { effort: "low", summary: "auto" },
  };
  const question = user("What is 3 + 4?");
  for (const answered of [ask, together]) {
    const { output } = await answered([question], options);
    // What proves the text of a provider that signs texts stands behind it.
    const proofs = router.provider === "test-gemini" ? ["reasoning"] : [];
    assert.deepEqual(output.map((item) => item.type), ["reasoning", "message", ...proofs]);
    const shown = [...(output[0].content ?? []), ...output[0].summary].map((part) => part.text);
    assert.ok(shown.includes(THOUGHT), shown);
    // Some clients know OpenAI's fields alone.
    const bare = output.map(({ signature, format, ...known }) => known);
    for (const said of [output, bare]) {
      const next = await ask([question, ...said, user("Sure?")], options);
      assert.equal(next.output_text, "You said: Sure?");
    }
  }
}

async function aRateLimitIsARateLimit({ router, ask }) {
  // A model for each: one that was refused is left alone for as long as it asked.
  for (const [name, stream] of [["limited", false], ["limited-too", true]]) {
    const options = { model: router.upstream(name), stream };
    const error = await raised(RateLimitError, () => ask("Hi", options));
    assert.equal(error.headers.get("retry-after"), "7");
  }
}

async function aFailingProviderIsAServerError({ router, ask }) {
  for (const stream of [false, true]) {
    const options = { model: router.upstream("failing"), stream };
    const error = await raised(InternalServerError, () => ask("Hi", options));
    assert.equal(error.status, 502);
  }
}

async function aStreamThatBreaksTellsSo({ router, ask }) {
  const events = [];
  let error = null;
  try {
    const options = { model: router.upstream("breaking"), stream: true };
    for await (const event of await ask("Hi", options)) events.push(event);
  } catch (raised) {
    assert.ok(raised instanceof APIError, raised);
    error = raised;
  }
  assert.ok(error ?? events.at(-1).response.error.message);
  assert.ok(events.some((event) => event.type === "response.output_text.delta"));
}

async function aStreamIsLeft({ router, ask }) {
  const stream = await ask("Hi", { model: router.upstream("endless"), stream: true });
  for await (const event of stream) {
    if (event.type === "response.output_text.delta") break;
  }
  assert.ok(stream.controller.signal.aborted);
}

run(make, {
  chat,
  aStreamSaysTheSameAsAWholeAnswer,
  aToolLoopCloses,
  anImageArrives,
  anAnswerHasTheShapeThatWasAskedFor,
  thoughtsAreShownAndComeBack,
  aRateLimitIsARateLimit,
  aFailingProviderIsAServerError,
  aStreamThatBreaksTellsSo,
  aStreamIsLeft,
});
