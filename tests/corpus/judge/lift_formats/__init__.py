"""One module per wire format: each reads a recorded request body into the canonical request.

What every module keeps to:
- A field that the canonical type models is taken; what is left goes into `extra`, in the
  order of the source and byte for byte.
- Of an object that is modelled in part, the unmodelled rest travels in `extra` under the
  object's own name, nested as in the source: `["reasoning", "{\"context\":\"all_turns\"}"]`.
  Whoever encodes it merges it into the object that it writes.
- A block, tool or choice of a kind that is not modelled, or that is only modelled in part
  where it has no `extra`, is `Native` as a whole.
- A null is as good as an absent field. A number that the contract has no room for (a
  limit of -1) stays in `extra`.
- Calls without ids get made-up ones; a result without one is for the oldest open call of
  its name. Results get the name of their call.
- Where results stand among a user's parts, they become Tool messages between User messages.

What is not obvious in the single formats:
- openai-chat: reasoning, then content, then refusal, then calls. An encrypted detail whose
  id is a call's is that call's signature. A cache point of a message stands on its last
  part. `prefix` of a last assistant message is implied by its place. Fields of a tool and
  of its function are one list.
- openai-responses: `instructions` is a System message in front (an empty one is `extra`).
  Runs of what the model said are one Assistant message. Summaries, texts and the encrypted
  text of a reasoning item are parts that share its id; one that holds nothing is an empty
  summary. Status and phase of an item stand on its first part. A citation's kind is in its
  `extra` unless it is `url_citation`.
- anthropic-messages: a bound makes thinking `enabled`, without one it is `adaptive`; a
  display of `omitted` is hidden reasoning. A citation's kind is always in its `extra`, its
  title is `title` or `document_title`. A cache point inside of a result is `extra`.
- gemini: thoughts are hidden unless `includeThoughts`; a budget of 0 is off, of -1 on.
  A response that only says `error` is a failed result. ANY with one name is that tool,
  VALIDATED with names is a set that need not be called. Tools of Google's own are one
  native object each.
- bedrock-converse: cache points stand on the part or tool before them. Thinking, effort and
  `top_k` are lifted from the additional fields of the families that have them.
- cohere-chat: a `tool_plan` is `extra` of its message, a document a native part.
- ollama: `think` is on, off or an effort; it streams unless told not to.
- embeddings: Google's RETRIEVAL_QUERY is the purpose `search_query`.
"""
