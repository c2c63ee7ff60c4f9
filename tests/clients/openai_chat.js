// What `openai` for Node sees of a router's chat completions.
"use strict";

const assert = require("node:assert/strict");
const { default: OpenAI, APIError, RateLimitError, InternalServerError } = require("openai");
const { zodResponseFormat } = require("openai/helpers/zod");
const { City, LONG, THOUGHT, TOWN, WEATHER, all, pixel, raised, run } = require("./behaviours.js");

const TOOL = {
  type: "function",
  function: { name: "weather", description: "The weather of a city", parameters: WEATHER },
};

const user = (content) => ({ role: "user", content });

const make = (router) => {
  const client = new OpenAI({
    baseURL: `${router.root}/v1`, apiKey: "unused", maxRetries: 0, timeout: 20_000,
  });
  const request = (messages, options = {}) => ({ model: router.model, messages, ...options });
  const ask = (messages, options) => client.chat.completions.create(request(messages, options));
  return { router, client, request, ask };
};

async function chat({ router, ask }) {
  const answer = await ask([{ role: "system", content: "Be brief." }, user("Hello")]);
  assert.equal(answer.model, router.model);
  assert.equal(answer.choices.length, 1);
  assert.equal(answer.choices[0].message.content, "You said: Hello");
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.ok(answer.usage.prompt_tokens > 0 && answer.usage.completion_tokens > 0);
}

async function aStreamSaysTheSameAsAWholeAnswer({ ask }) {
  const whole = await ask([user(LONG)]);
  const options = { stream: true, stream_options: { include_usage: true } };
  const chunks = await all(await ask([user(LONG)], options));
  const choices = chunks.flatMap((chunk) => chunk.choices);
  const pieces = choices.map((choice) => choice.delta.content).filter(Boolean);
  assert.ok(pieces.length > 3);
  assert.equal(pieces.join(""), whole.choices[0].message.content);
  assert.deepEqual(choices.map((it) => it.finish_reason).filter(Boolean), ["stop"]);
  assert.deepEqual(chunks.at(-1).usage, whole.usage);
}

async function aToolLoopCloses({ ask }) {
  const question = user("How is the weather in Oslo?");
  const first = (await ask([question], { tools: [TOOL] })).choices[0];
  assert.equal(first.finish_reason, "tool_calls");
  const [call] = first.message.tool_calls;
  assert.equal(call.function.name, "weather");
  assert.deepEqual(JSON.parse(call.function.arguments), { city: "Oslo" });
  const result = { role: "tool", tool_call_id: call.id, content: "Rain, 7 degrees" };
  const second = (await ask([question, first.message, result], { tools: [TOOL] })).choices[0];
  assert.equal(second.message.content, "The tool said: Rain, 7 degrees");
}

async function theClientRunsToolsInAStream({ client, request }) {
  const asked = [];
  const parameters = {
    ...TOOL.function,
    parse: JSON.parse,
    function: ({ city }) => {
      asked.push(city);
      return "Snow";
    },
  };
  const tools = [{ type: "function", function: parameters }];
  const messages = [user("How is the weather in Oslo?")];
  const runner = client.chat.completions.runTools(request(messages, { tools, stream: true }));
  assert.equal(await runner.finalContent(), "The tool said: Snow");
  assert.deepEqual(asked, ["Oslo"]);
}

async function anImageArrives({ ask }) {
  const url = `data:image/png;base64,${pixel().toString("base64")}`;
  const image = { type: "image_url", image_url: { url } };
  const answer = await ask([user([{ type: "text", text: "What is this?" }, image])]);
  assert.equal(answer.choices[0].message.content, "You said: What is this? I see 1 image.");
}

async function anAnswerHasTheShapeThatWasAskedFor({ client, request }) {
  const options = { response_format: zodResponseFormat(City, "city") };
  const answer = await client.chat.completions.parse(request([user("A city!")], options));
  assert.deepEqual(answer.choices[0].message.parsed, TOWN);
  const stream = client.chat.completions.stream(request([user("A city!")], options));
  const streamed = await stream.finalChatCompletion();
  assert.deepEqual(streamed.choices[0].message.parsed, TOWN);
}

async function thoughtsAreShownAndComeBack({ router, ask }) {
  const options = { model: router.upstream("thinking"), reasoning: { max_tokens: 1024 } };
  const question = user("What is 3 + 4?");
  const { message } = (await ask([question], options)).choices[0];
  assert.equal(message.reasoning, THOUGHT);
  const answer = await ask([question, message, user("Are you sure?")], options);
  assert.equal(answer.choices[0].message.content, "You said: Are you sure?");
}

async function aRateLimitIsARateLimit({ router, ask }) {
  // A model for each: one that was refused is left alone for as long as it asked.
  for (const [name, stream] of [["limited", false], ["limited-too", true]]) {
    const options = { model: router.upstream(name), stream };
    const error = await raised(RateLimitError, () => ask([user("Hi")], options));
    assert.equal(error.status, 429);
    assert.equal(error.headers.get("retry-after"), "7");
    assert.equal(error.error.metadata.error_type, "rate_limit_exceeded");
  }
}

async function aFailingProviderIsAServerError({ router, ask }) {
  for (const stream of [false, true]) {
    const options = { model: router.upstream("failing"), stream };
    const error = await raised(InternalServerError, () => ask([user("Hi")], options));
    assert.equal(error.status, 502);
    assert.equal(error.error.metadata.provider_name, router.provider);
  }
}

async function aStreamThatBreaksRaises({ router, ask }) {
  let told = "";
  const error = await raised(APIError, async () => {
    const options = { model: router.upstream("breaking"), stream: true };
    for await (const chunk of await ask([user("Hi")], options)) {
      told += chunk.choices[0].delta.content ?? "";
    }
  });
  assert.ok(error.message && told.startsWith("a"), told);
}

async function aStreamIsLeft({ router, ask }) {
  const stream = await ask([user("Hi")], { model: router.upstream("endless"), stream: true });
  for await (const chunk of stream) {
    if (chunk.choices[0].delta.content) break;
  }
  assert.ok(stream.controller.signal.aborted);
}

run(make, {
  chat,
  aStreamSaysTheSameAsAWholeAnswer,
  aToolLoopCloses,
  theClientRunsToolsInAStream,
  anImageArrives,
  anAnswerHasTheShapeThatWasAskedFor,
  thoughtsAreShownAndComeBack,
  aRateLimitIsARateLimit,
  aFailingProviderIsAServerError,
  aStreamThatBreaksRaises,
  aStreamIsLeft,
});
