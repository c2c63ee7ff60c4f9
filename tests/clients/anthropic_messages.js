// What `@anthropic-ai/sdk` sees of a router's messages.
"use strict";

const assert = require("node:assert/strict");
const { default: Anthropic, APIError, RateLimitError, InternalServerError } = require("@anthropic-ai/sdk");
const { zodOutputFormat } = require("@anthropic-ai/sdk/helpers/zod");
const { City, LONG, THOUGHT, TOWN, WEATHER, pixel, raised, run } = require("./behaviours.js");

const TOOL = { name: "weather", description: "The weather of a city", input_schema: WEATHER };

/** Enough for any answer here, and for thinking. */
const MAX_TOKENS = 4096;

/** What is asked for beside the version of the API. Whoever has it must be asked for it. */
const BETA = "context-1m-2025-08-07";

const user = (content) => ({ role: "user", content });

const connect = (router, credential) => {
  return new Anthropic({ baseURL: router.root, maxRetries: 0, timeout: 20_000, ...credential });
};

const make = (router) => {
  const client = connect(router, { apiKey: "unused" });
  const request = (messages, options = {}) => {
    return { model: router.model, max_tokens: MAX_TOKENS, messages, ...options };
  };
  const ask = (messages, options) => client.messages.create(request(messages, options));
  const stream = (messages, options) => client.messages.stream(request(messages, options));
  return { router, client, request, ask, stream };
};

async function chat({ router, ask }) {
  const answer = await ask([user("Hello")], { system: "Be brief." });
  assert.equal(answer.model, router.model);
  assert.deepEqual(answer.content.map((block) => [block.type, block.text]), [["text", "You said: Hello"]]);
  assert.equal(answer.stop_reason, "end_turn");
  assert.ok(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0);
}

async function aStreamSaysTheSameAsAWholeAnswer({ ask, stream }) {
  const whole = await ask([user(LONG)]);
  const streamed = stream([user(LONG)]);
  const pieces = [];
  streamed.on("text", (text) => pieces.push(text));
  const answer = await streamed.finalMessage();
  assert.ok(pieces.length > 3);
  assert.equal(pieces.join(""), whole.content[0].text);
  assert.equal(answer.content[0].text, whole.content[0].text);
  assert.equal(answer.stop_reason, "end_turn");
  assert.equal(answer.usage.output_tokens, whole.usage.output_tokens);
}

async function aToolLoopCloses({ ask, stream }) {
  const question = user("How is the weather in Oslo?");
  const together = (...asked) => stream(...asked).finalMessage();
  for (const answered of [ask, together]) {
    const first = await answered([question], { tools: [TOOL] });
    assert.equal(first.stop_reason, "tool_use");
    const [call] = first.content.filter((block) => block.type === "tool_use");
    assert.equal(call.name, "weather");
    assert.deepEqual(call.input, { city: "Oslo" });
    const result = { type: "tool_result", tool_use_id: call.id, content: "Rain, 7 degrees" };
    const said = { role: "assistant", content: first.content };
    const second = await answered([question, said, user([result])], { tools: [TOOL] });
    assert.equal(second.content[0].text, "The tool said: Rain, 7 degrees");
  }
}

async function anImageArrives({ ask }) {
  const source = { type: "base64", media_type: "image/png", data: pixel().toString("base64") };
  const answer = await ask([user([{ type: "text", text: "What is this?" }, { type: "image", source }])]);
  assert.equal(answer.content[0].text, "You said: What is this? I see 1 image.");
}

async function anAnswerHasTheShapeThatWasAskedFor({ client, request }) {
  const options = { output_config: { format: zodOutputFormat(City) } };
  const answer = await client.messages.parse(request([user("A city!")], options));
  assert.deepEqual(answer.parsed_output, TOWN);
}

async function thoughtsAreShownAndComeBack({ router, ask, stream }) {
  const thinking = { type: "enabled", budget_tokens: 1024 };
  const options = { model: router.upstream("thinking"), thinking };
  const question = user("What is 3 + 4?");
  const streamed = await stream([question], options).finalMessage();
  for (const answer of [await ask([question], options), streamed]) {
    // What proves the text of a provider that signs texts stands behind it.
    const proofs = router.provider === "test-gemini" ? ["redacted_thinking"] : [];
    const types = answer.content.map((block) => block.type);
    assert.deepEqual(types, ["thinking", "text", ...proofs]);
    assert.equal(answer.content[0].thinking, THOUGHT);
    const said = { role: "assistant", content: answer.content };
    const next = await ask([question, said, user("Sure?")], options);
    assert.equal(next.content[1].text, "You said: Sure?");
  }
}

async function tokensAreCounted({ router, client }) {
  const messages = [user("How many are these?")];
  const counted = await client.messages.countTokens({ model: router.model, messages });
  assert.ok(counted.input_tokens > 0);
}

async function aTokenIsAsGoodAsAKey({ router, request }) {
  const client = connect(router, { apiKey: null, authToken: "unused" });
  const answer = await client.messages.create(request([user("Hello")]));
  assert.equal(answer.content[0].text, "You said: Hello");
}

async function aBetaIsAskedFor({ client, request }) {
  const asked = request([user("Hello")], { betas: [BETA] });
  const whole = await client.beta.messages.create(asked);
  const streamed = await client.beta.messages.stream(asked).finalMessage();
  for (const answer of [whole, streamed]) assert.equal(answer.content[0].text, "You said: Hello");
}

async function aRateLimitIsARateLimit({ router, ask }) {
  // A model for each: one that was refused is left alone for as long as it asked.
  for (const [name, stream] of [["limited", false], ["limited-too", true]]) {
    const options = { model: router.upstream(name), stream };
    const error = await raised(RateLimitError, () => ask([user("Hi")], options));
    assert.equal(error.status, 429);
    assert.equal(error.headers.get("retry-after"), "7");
    assert.equal(error.error.error.type, "rate_limit_error");
  }
}

async function aFailingProviderIsAServerError({ router, ask }) {
  for (const stream of [false, true]) {
    const options = { model: router.upstream("failing"), stream };
    const error = await raised(InternalServerError, () => ask([user("Hi")], options));
    assert.ok(error.status >= 500);
    assert.equal(error.error.error.type, "api_error");
  }
}

async function aStreamThatBreaksRaises({ router, ask }) {
  let told = "";
  const error = await raised(APIError, async () => {
    const options = { model: router.upstream("breaking"), stream: true };
    for await (const event of await ask([user("Hi")], options)) told += event.delta?.text ?? "";
  });
  assert.equal(error.error.error.type, "api_error");
  assert.ok(told.startsWith("a"), told);
}

async function aStreamIsLeft({ router, ask }) {
  const stream = await ask([user("Hi")], { model: router.upstream("endless"), stream: true });
  for await (const event of stream) {
    if (event.type === "content_block_delta") break;
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
  tokensAreCounted,
  aTokenIsAsGoodAsAKey,
  aBetaIsAskedFor,
  aRateLimitIsARateLimit,
  aFailingProviderIsAServerError,
  aStreamThatBreaksRaises,
  aStreamIsLeft,
});
