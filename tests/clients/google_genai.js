// What `@google/genai` sees of a router's Gemini API.
"use strict";

const assert = require("node:assert/strict");
const { ApiError, GoogleGenAI } = require("@google/genai");
const { z } = require("zod");
const { City, LONG, THOUGHT, TOWN, WEATHER, all, pixel, raised, run } = require("./behaviours.js");

const DECLARATION = {
  name: "weather", description: "The weather of a city", parametersJsonSchema: WEATHER,
};
const TOOLS = { tools: [{ functionDeclarations: [DECLARATION] }] };

const user = (...parts) => ({
  role: "user", parts: parts.map((part) => (typeof part === "string" ? { text: part } : part)),
});

const make = (router) => {
  const httpOptions = { baseUrl: router.root, timeout: 20_000, retryOptions: { attempts: 1 } };
  const client = new GoogleGenAI({ apiKey: "unused", vertexai: false, httpOptions });
  const request = (contents, { upstream, ...config } = {}) => {
    return { model: upstream ? router.upstream(upstream) : router.model, contents, config };
  };
  const ask = (contents, options) => client.models.generateContent(request(contents, options));
  const stream = (contents, options) => {
    return client.models.generateContentStream(request(contents, options));
  };
  return { router, client, ask, stream };
};

/** What the chunks of a stream say, as one turn. */
const joined = (chunks) => {
  const parts = chunks.flatMap((chunk) => chunk.candidates?.[0].content?.parts ?? []);
  return { role: "model", parts };
};

const text = ({ parts }) => {
  return parts.filter((part) => !part.thought).map((part) => part.text ?? "").join("");
};

async function chat({ ask }) {
  const answer = await ask("Hello", { systemInstruction: "Be brief.", temperature: 0.5 });
  assert.equal(answer.text, "You said: Hello");
  assert.equal(answer.candidates[0].finishReason, "STOP");
  const usage = answer.usageMetadata;
  assert.ok(usage.promptTokenCount > 0 && usage.candidatesTokenCount > 0);
}

async function aChatGoesOn({ router, client }) {
  const talk = client.chats.create({ model: router.model });
  assert.equal((await talk.sendMessage({ message: "One" })).text, "You said: One");
  const chunks = await all(await talk.sendMessageStream({ message: "Two" }));
  assert.equal(text(joined(chunks)), "You said: Two");
  assert.equal((await talk.sendMessage({ message: "Three" })).text, "You said: Three");
}

async function aStreamSaysTheSameAsAWholeAnswer({ ask, stream }) {
  const whole = await ask(LONG);
  const chunks = await all(await stream(LONG));
  assert.ok(chunks.filter((chunk) => chunk.text).length > 3);
  assert.equal(text(joined(chunks)), whole.text);
  assert.equal(chunks.at(-1).candidates[0].finishReason, "STOP");
  assert.equal(chunks.at(-1).usageMetadata.totalTokenCount, whole.usageMetadata.totalTokenCount);
}

async function aToolLoopCloses({ ask, stream }) {
  const question = user("How is the weather in Oslo?");
  const whole = async (...asked) => (await ask(...asked)).candidates[0].content;
  const together = async (...asked) => joined(await all(await stream(...asked)));
  for (const answered of [whole, together]) {
    const called = await answered([question], TOOLS);
    const [call] = called.parts.map((part) => part.functionCall).filter(Boolean);
    assert.equal(call.name, "weather");
    assert.deepEqual(call.args, { city: "Oslo" });
    const response = { id: call.id, name: call.name, response: { result: "Rain, 7 degrees" } };
    const answer = await answered([question, called, user({ functionResponse: response })], TOOLS);
    assert.match(text(answer), /^The tool said: .*Rain, 7 degrees/);
  }
}

async function anImageArrives({ ask }) {
  const image = { inlineData: { data: pixel().toString("base64"), mimeType: "image/png" } };
  const answer = await ask([user("What is this?", image)]);
  assert.equal(answer.text, "You said: What is this? I see 1 image.");
}

async function anAnswerHasTheShapeThatWasAskedFor({ ask }) {
  const options = {
    responseMimeType: "application/json", responseJsonSchema: z.toJSONSchema(City),
  };
  assert.deepEqual(JSON.parse((await ask("A city!", options)).text), TOWN);
}

async function thoughtsAreShownAndComeBack({ ask, stream }) {
  const thinkingConfig = { includeThoughts: true, thinkingBudget: 1024 };
  const options = { upstream: "thinking", thinkingConfig };
  const question = user("What is 3 + 4?");
  const whole = (await ask([question], options)).candidates[0].content;
  const streamed = joined(await all(await stream([question], options)));
  for (const said of [whole, streamed]) {
    const thoughts = said.parts.filter((part) => part.thought).map((part) => part.text ?? "");
    assert.equal(thoughts.join(""), THOUGHT);
    const next = await ask([question, said, user("Sure?")], options);
    assert.equal(text(next.candidates[0].content), "You said: Sure?");
  }
}

async function tokensAreCounted({ router, client }) {
  const request = { model: router.model, contents: "How many are these?" };
  assert.ok((await client.models.countTokens(request)).totalTokens > 0);
}

/** What the client says of an error that the router told. */
const refused = async (ask, status, name) => {
  const error = await raised(ApiError, ask);
  assert.equal(error.status, status);
  const told = JSON.parse(error.message).error;
  assert.deepEqual([told.code, told.status], [status, name]);
  assert.ok(told.message);
};

async function aRateLimitIsTold({ ask, stream }) {
  // A model for each: one that was refused is left alone for as long as it asked.
  await refused(() => ask("Hi", { upstream: "limited" }), 429, "RESOURCE_EXHAUSTED");
  await refused(() => stream("Hi", { upstream: "limited-too" }), 429, "RESOURCE_EXHAUSTED");
}

async function aFailingProviderIsTold({ ask, stream }) {
  for (const answered of [ask, stream]) {
    await refused(() => answered("Hi", { upstream: "failing" }), 502, "UNAVAILABLE");
  }
}

async function aStreamThatBreaksRaises({ stream }) {
  let told = "";
  const error = await raised(Error, async () => {
    for await (const chunk of await stream("Hi", { upstream: "breaking" })) told += chunk.text ?? "";
  });
  assert.ok(error.message && told.startsWith("a"), told);
}

async function aStreamIsLeft({ stream }) {
  const controller = new AbortController();
  const options = { upstream: "endless", abortSignal: controller.signal };
  const leave = async () => {
    for await (const chunk of await stream("Hi", options)) {
      if (chunk.text) controller.abort();
    }
  };
  assert.equal((await raised(Error, leave)).name, "AbortError");
}

run(make, {
  chat,
  aChatGoesOn,
  aStreamSaysTheSameAsAWholeAnswer,
  aToolLoopCloses,
  anImageArrives,
  anAnswerHasTheShapeThatWasAskedFor,
  thoughtsAreShownAndComeBack,
  tokensAreCounted,
  aRateLimitIsTold,
  aFailingProviderIsTold,
  aStreamThatBreaksRaises,
  aStreamIsLeft,
});
