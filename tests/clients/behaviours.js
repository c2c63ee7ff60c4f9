// What the Node scripts share: the same as `behaviours.py` has for Python.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { z } = require("zod");

/** What `thinking` thinks. */
exports.THOUGHT = "Three and four make seven.";

/** A text of several pieces. */
exports.LONG = "A text that is not too short, with umlauts: äöü";

/** The parameters of a tool that tells the weather. */
exports.WEATHER = {
  type: "object",
  properties: { city: { type: "string", enum: ["Oslo"] } },
  required: ["city"],
  additionalProperties: false,
};

/** What a structured answer has to be. */
exports.City = z.object({ name: z.string(), inhabitants: z.number().int().min(1), capital: z.boolean() });

/** The city that the simulator makes up. */
exports.TOWN = { name: "text", inhabitants: 1, capital: true };

/** An image. What arrives upstream is compared with it. */
exports.pixel = () => fs.readFileSync(path.join(__dirname, "pixel.png"));

/** The error of this class that `ask` ends with. */
exports.raised = async (expected, ask) => {
  try {
    const answer = await ask();
    assert.fail(`no ${expected.name} but ${JSON.stringify(answer)}`);
  } catch (error) {
    if (error instanceof expected && !(error instanceof assert.AssertionError)) return error;
    throw error;
  }
};

/** All that something iterable gives. */
exports.all = async (items) => {
  const list = [];
  for await (const item of items) list.push(item);
  return list;
};

/**
 * Runs a script's behaviours in order. Each is called with what `make` makes of the
 * router: its root, a model that it lists, the provider's name, and `upstream`, which
 * names one of the provider's models.
 */
exports.run = async (make, behaviours) => {
  const [root, model, provider] = process.argv.slice(2);
  const upstream = (name) => {
    // Which of Gemini's models reason, their names tell.
    const reasons = name === "thinking" && provider === "test-gemini";
    return `${provider}/${reasons ? "gemini-2.5-thinking" : name}`;
  };
  const subject = make({ root, model, provider, upstream });
  for (const [name, behaviour] of Object.entries(behaviours)) {
    await behaviour(subject);
    console.log(`ok ${name}`);
  }
};
