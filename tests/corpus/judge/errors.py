"""What a recorded error means: kinds that fit, message, code, field and delay.

Read from the body's own words and the status, never from who sent it.
"""

import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import wire
from wire import items, pointer, text

MESSAGE_PATHS = (
    "/error/message",
    "/error",
    "/message",
    "/Message",
    "/detail",
    "/detail/message",
    "/error_description",
    "/errorMessage",
)
CODE_PATHS = ("/error/code", "/error/type", "/error/status", "/code", "/type", "/__type")
PARAM_PATHS = ("/error/param", "/param")
# Words of an error body that are no code.
NO_CODE = {"error"}

BY_STATUS = {
    400: ["InvalidRequest"],
    401: ["Authentication"],
    402: ["PaymentRequired"],
    403: ["PermissionDenied"],
    404: ["ModelNotFound"],
    405: ["InvalidRequest", "Unsupported", "Other"],
    408: ["Timeout"],
    409: ["InvalidRequest", "Unavailable", "Other"],
    413: ["ContextLengthExceeded", "InvalidRequest"],
    415: ["InvalidRequest", "Unsupported"],
    422: ["InvalidRequest"],
    424: ["Unavailable", "Other"],
    429: ["RateLimited"],
    451: ["ContentPolicy", "PermissionDenied"],
    499: ["Timeout", "Unavailable", "Other"],
    500: ["Unavailable"],
    501: ["Unsupported"],
    502: ["Unavailable"],
    503: ["Overloaded", "Unavailable"],
    504: ["Timeout"],
    524: ["Timeout"],
    529: ["Overloaded"],
}

# The first pattern that fits message, code or type narrows the kind, where the
# status is one of those given.
NARROWED = (
    ((400,), ("tool_use_failed", "failed_generation"), ["InvalidRequest", "Unavailable", "Other"]),
    (
        (400,),
        ("token limit reached",),
        ["InvalidRequest", "ContextLengthExceeded", "Unavailable", "Other"],
    ),
    (
        (400, 413, 422, 500),
        (
            "context.?(length|window|size)",
            "exceed_context",
            "maximum context",
            "prompt is too long",
            "input is too long",
            "too many (input )?tokens",
        ),
        ["ContextLengthExceeded"],
    ),
    ((500,), ("too large to process",), ["ContextLengthExceeded", "InvalidRequest", "Unavailable"]),
    (
        (400, 403, 422),
        ("content.?(policy|filter)", "responsible ?ai", "safety system", "moderation"),
        ["ContentPolicy"],
    ),
    (
        (400, 402, 403, 429),
        (
            "insufficient.?(quota|credit|balance|funds)",
            "exceeded your current quota",
            "credit balance is too low",
            "more credits",
            "billing",
        ),
        ["PaymentRequired"],
    ),
    ((403,), ("unregistered callers",), ["Authentication", "PermissionDenied"]),
    (
        (400, 401, 403),
        ("api.?key", "authentication (fails|token)", "invalid.*credential", "unauthorized"),
        ["Authentication"],
    ),
    ((403,), ("model",), ["PermissionDenied", "ModelNotFound"]),
    (
        (400, 404, 422),
        (
            "model_not_found",
            "invalid_model",
            "not_found_error",
            "not a valid model",
            "model.{0,60}(not found|does not exist|doesn't exist)",
            "(no such|unknown|invalid) model",
            "provided model identifier",
            "supported api model names",
            "end of its life",
            "is not found for api version",
        ),
        ["ModelNotFound"],
    ),
    ((400,), ("model.{0,60}not supported.{0,30}supported models",), ["ModelNotFound", "Unsupported"]),
    ((400,), ("on-demand throughput",), ["ModelNotFound", "Unsupported", "InvalidRequest"]),
    (
        (404,),
        ("no allowed providers", "no endpoints"),
        ["ModelNotFound", "Unavailable", "PermissionDenied"],
    ),
    ((404,), ("a chat model",), ["Unsupported", "ModelNotFound", "InvalidRequest"]),
    ((404,), (".",), ["ModelNotFound", "InvalidRequest", "Other"]),
    (
        (400, 422),
        (
            "not support",
            "n.t support",
            "unsupported",
            "not enabled",
            "not permitted",
            "unknown variant",
            "not compatible",
            "not OAI",
            "not a valid",
            "too (complex|many)",
            "cannot fetch",
            "downloading",
        ),
        ["InvalidRequest", "Unsupported"],
    ),
    (
        (500,),
        ("not support", "unsupported", "requires", "cannot", "invalid"),
        ["Unavailable", "Unsupported", "InvalidRequest", "Other"],
    ),
    ((429,), ("overloaded", "capacity"), ["RateLimited", "Overloaded"]),
)

# Names of errors that carry no status of their own.
BY_NAME = {
    "overloaded_error": 529,
    "api_error": 500,
    "server_error": 500,
    "internal_error": 500,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "invalid_request_error": 400,
    "request_too_large": 413,
    "timeout_error": 504,
    "billing_error": 402,
    "throttlingException": 429,
    "validationException": 400,
    "internalServerException": 500,
    "modelStreamErrorException": 500,
    "serviceUnavailableException": 503,
    "modelTimeoutException": 504,
}

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_TOLD = re.compile(r"(?:try again|retry)[^.]{0,20}? in ((?:\d+(?:\.\d+)?(?:ms|s|m|h))+)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def explained(status: int, headers: list[list[str]], body: bytes) -> dict:
    """What is expected of `explain` for a response with this status."""
    try:
        value = wire.loads(body)
    except ValueError:
        value = None
    if isinstance(value, list) and value:
        value = value[0]
    named = {name: held for name, held in reversed(headers)}
    plain = body.decode("utf-8", "replace") if value is None else ""
    failure = _failure(status, value, plain)
    amazon = named.get("x-amzn-errortype", "").split(":")[0]
    if amazon:
        failure["codes"] = [amazon]
        failure["kinds"] = _kinds(status, f"{amazon} {failure['said']}")
    failure["retry_after_ms"] = _retry_after(named, value, failure["said"])
    return {"kind": "failure", **failure}


def in_band(value: Any) -> dict | None:
    """The failure that a 2xx body or one chunk of a stream reports, if it does."""
    held = pointer(value, "/error")
    if not held:
        return None
    return _failure(_status(held), value, "")


def named(name: str, message: str) -> dict:
    """The failure that a stream reports under a name."""
    status = BY_NAME.get(name, 500)
    codes = [name] if name else []
    return {
        "kinds": _kinds(status, f"{name} {message}"),
        "said": message,
        "codes": codes,
        "param": [None],
    }


def _status(error: Any) -> int:
    for path in ("/status_code", "/code"):
        status = pointer(error, path)
        if isinstance(status, int) or (isinstance(status, str) and status.isdigit()):
            return int(status)
    for path in ("/type", "/code"):
        if text(error, path) in BY_NAME:
            return BY_NAME[text(error, path)]
    return 500


def _failure(status: int, value: Any, plain: str) -> dict:
    said = next(
        (text(value, path) for path in MESSAGE_PATHS if text(value, path)), plain
    )
    codes = [
        str(code)
        for code in (pointer(value, path) for path in CODE_PATHS)
        if isinstance(code, (str, int)) and code not in NO_CODE and code != ""
    ]
    codes += [
        text(detail, "/reason") for detail in items(value, "/error/details") if text(detail, "/reason")
    ]
    if not any(code for code in codes if code != str(status)):
        codes.append(None)
    params = [text(value, path) for path in PARAM_PATHS if text(value, path)]
    fields = [
        text(one, "/field")
        for detail in items(value, "/error/details")
        for one in items(detail, "/fieldViolations")
    ]
    return {
        "kinds": _kinds(status, f"{said} {' '.join(filter(None, codes))}"),
        "said": said,
        "codes": codes,
        "param": params or [None, *fields],
        "also": [text(value, "/error/metadata/raw")],
    }


def _kinds(status: int, words: str) -> list[str]:
    for statuses, patterns, kinds in NARROWED:
        if status in statuses and re.search("|".join(patterns), words, re.IGNORECASE):
            return kinds
    if status in BY_STATUS:
        return BY_STATUS[status]
    return ["InvalidRequest", "Other"] if status < 500 else ["Unavailable"]


def _retry_after(headers: dict[str, str], value: Any, said: str) -> list[int | None]:
    """Milliseconds that fit: of a header, of the body, of the message."""
    if headers.get("retry-after-ms", "").isdigit():
        return [int(headers["retry-after-ms"])]
    after = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", after):
        return [round(float(after) * 1000)]
    if after:
        return [None, *_until(after, headers.get("date", ""))]
    for detail in items(value, "/error/details"):
        if text(detail, "/retryDelay"):
            return [_milliseconds(text(detail, "/retryDelay"))]
    told = _TOLD.search(said)
    return [_milliseconds(told.group(1))] if told else [None]


def _milliseconds(duration: str) -> int:
    parts = _DURATION.findall(duration)
    return round(sum(float(size) * _SECONDS[unit] for size, unit in parts) * 1000)


def _until(after: str, date: str) -> list[int]:
    try:
        then = parsedate_to_datetime(after)
        now = parsedate_to_datetime(date) if date else datetime.now(timezone.utc)
    except ValueError:
        return []
    return [max(0, round((then - now).total_seconds() * 1000))]
