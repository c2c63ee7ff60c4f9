from answer import nonsense
def whole(b,h): return {"kind":"todo"}
def streamed(f,h): return {"kind":"todo"}
