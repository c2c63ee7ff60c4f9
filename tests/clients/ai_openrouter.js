// What Vercel's `ai` sees of a router through `@openrouter/ai-sdk-provider`.
"use strict";

const assert = require("node:assert/strict");
const { createOpenRouter } = require("@openrouter/ai-sdk-provider");
const {
  APICallError, Output, generateText, jsonSchema, stepCountIs, streamText, tool,
} = require("ai");
const { City, LONG, THOUGHT, TOWN, WEATHER, all, pixel, raised, run } = require("./behaviours.js");

// It need not tell the terminal that it drops what has no signature.
globalThis.AI_SDK_LOG_WARNINGS = false;

const make = (router) => {
  const provider = createOpenRouter({ baseURL: `${router.root}/api/v1`, apiKey: "unused" });
  /** A model that the router lists, or one of the provider's. */
  const model = (name, settings) => {
    return provider.chat(name ? router.upstream(name) : router.model, settings);
  };
  const request = (options) => ({
    model: model(), maxRetries: 0, abortSignal: AbortSignal.timeout(20_000), ...options,
  });
  const whole = (options) => generateText(request(options));
  // What breaks is in the stream; it need not be printed as well.
  const stream = (options) => streamText(request({ onError: () => {}, ...options }));
  return { router, model, whole, stream };
};

async function chat({ whole }) {
  const answer = await whole({ system: "Be brief.", prompt: "Hello" });
  assert.equal(answer.text, "You said: Hello");
  assert.equal(answer.finishReason, "stop");
  assert.ok(answer.usage.inputTokens > 0 && answer.usage.outputTokens > 0);
  assert.ok(answer.providerMetadata.openrouter.usage.cost > 0);
}

async function aStreamSaysTheSameAsAWholeAnswer({ whole, stream }) {
  const answer = await whole({ prompt: LONG });
  const streamed = stream({ prompt: LONG });
  const pieces = await all(streamed.textStream);
  assert.ok(pieces.length > 3);
  assert.equal(pieces.join(""), answer.text);
  assert.equal(await streamed.finishReason, "stop");
  const { inputTokens, outputTokens } = await streamed.usage;
  assert.deepEqual([inputTokens, outputTokens], [answer.usage.inputTokens, answer.usage.outputTokens]);
}

async function aToolLoopCloses({ whole, stream }) {
  const asked = [];
  const weather = tool({
    description: "The weather of a city",
    inputSchema: jsonSchema(WEATHER),
    execute: async ({ city }) => {
      asked.push(city);
      return "Rain, 7 degrees";
    },
  });
  const options = {
    prompt: "How is the weather in Oslo?", tools: { weather }, stopWhen: stepCountIs(2),
  };
  assert.equal((await whole(options)).text, "The tool said: Rain, 7 degrees");
  const streamed = stream(options);
  assert.equal(await streamed.text, "The tool said: Rain, 7 degrees");
  const [first, second] = await streamed.steps;
  assert.deepEqual([first.finishReason, second.finishReason], ["tool-calls", "stop"]);
  assert.deepEqual(asked, ["Oslo", "Oslo"]);
}

async function anImageArrives({ whole }) {
  const content = [{ type: "text", text: "What is this?" }, { type: "image", image: pixel() }];
  const answer = await whole({ messages: [{ role: "user", content }] });
  assert.equal(answer.text, "You said: What is this? I see 1 image.");
}

async function anAnswerHasTheShapeThatWasAskedFor({ whole, stream }) {
  const options = { prompt: "A city!", output: Output.object({ schema: City }) };
  assert.deepEqual((await whole(options)).output, TOWN);
  const streamed = stream(options);
  await streamed.consumeStream();
  assert.deepEqual(await streamed.output, TOWN);
}

async function thoughtsAreShownAndComeBack({ router, model, whole, stream }) {
  const thinking = model("thinking", { reasoning: { max_tokens: 1024 } });
  const question = { role: "user", content: "What is 3 + 4?" };
  const sure = { role: "user", content: "Are you sure?" };
  const answer = await whole({ model: thinking, messages: [question] });
  assert.equal(answer.reasoningText, THOUGHT);
  const streamed = stream({ model: thinking, messages: [question] });
  assert.equal(await streamed.reasoningText, THOUGHT);
  // The client drops what proves a whole answer in which no tool is called.
  const kept = router.provider === "test-gemini" ? [] : [answer.response];
  for (const { messages } of [...kept, await streamed.response]) {
    const next = await whole({ model: thinking, messages: [question, ...messages, sure] });
    assert.equal(next.text, "You said: Are you sure?");
  }
}

async function aRateLimitIsARateLimit({ model, whole, stream }) {
  // A model for each: one that was refused is left alone for as long as it asked.
  const asked = [
    () => whole({ model: model("limited"), prompt: "Hi" }),
    () => failure(stream({ model: model("limited-too"), prompt: "Hi" })),
  ];
  for (const ask of asked) {
    const error = await refused(ask);
    assert.equal(error.statusCode, 429);
    assert.equal(error.responseHeaders["retry-after"], "7");
    assert.equal(error.data.error.metadata.error_type, "rate_limit_exceeded");
  }
}

/** The provider has a class of its own for the error of `ai`. */
const refused = async (ask) => {
  const error = await raised(Error, ask);
  assert.ok(APICallError.isInstance(error), error);
  return error;
};

/** Throws what ends a stream. */
async function failure(streamed) {
  for await (const part of streamed.fullStream) {
    if (part.type === "error") throw part.error;
  }
}

async function aFailingProviderIsABadGateway({ router, model, whole, stream }) {
  const asked = [
    () => whole({ model: model("failing"), prompt: "Hi" }),
    () => failure(stream({ model: model("failing"), prompt: "Hi" })),
  ];
  for (const ask of asked) {
    const error = await refused(ask);
    assert.equal(error.statusCode, 502);
    assert.equal(error.data.error.metadata.provider_name, router.provider);
  }
}

async function aStreamThatBreaksTellsSo({ model, stream }) {
  const parts = await all(stream({ model: model("breaking"), prompt: "Hi" }).fullStream);
  const text = parts.filter((part) => part.type === "text-delta").map((part) => part.text);
  assert.ok(text.join("").startsWith("a"), text);
  const errors = parts.filter((part) => part.type === "error");
  assert.equal(errors.length, 1);
  assert.equal(errors[0].error.code, 502, errors[0].error);
  assert.equal(parts.find((part) => part.type === "finish").finishReason, "error");
}

async function aStreamIsLeft({ model, stream }) {
  const controller = new AbortController();
  const streamed = stream({ model: model("endless"), prompt: "Hi", abortSignal: controller.signal });
  const types = [];
  for await (const part of streamed.fullStream) {
    types.push(part.type);
    if (part.type === "text-delta") controller.abort();
  }
  assert.equal(types.at(-1), "abort");
}

run(make, {
  chat,
  aStreamSaysTheSameAsAWholeAnswer,
  aToolLoopCloses,
  anImageArrives,
  anAnswerHasTheShapeThatWasAskedFor,
  thoughtsAreShownAndComeBack,
  aRateLimitIsARateLimit,
  aFailingProviderIsABadGateway,
  aStreamThatBreaksTellsSo,
  aStreamIsLeft,
});
