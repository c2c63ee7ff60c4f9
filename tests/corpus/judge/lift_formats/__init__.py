"""One module per wire format: each reads a recorded request body into the canonical request.

What every module keeps to:
- A field that the canonical type models is taken; what is left goes into `extra`, in the
  order of the source and byte for byte.
- Of an object that is modelled in part, the unmodelled rest travels in `extra` under the
  object's own name, nested as in the source: `["reasoning", "{\"context\":\"all_turns\"}"]`.
  Whoever encodes it merges it into the object.
- A block, tool or choice of a kind that is not modelled, or that is only modelled in part
  where it has no `extra`, is `Native` as a whole.
- A null is as good as an absent field.
"""
