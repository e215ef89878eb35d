"""Requests to a language model, at any endpoint with OpenAI's chat completions API."""

import json
import os
import re
import time
from collections.abc import Callable

import httpx

from publisher.authoring.metadata import plain
from publisher.config.model import Llm
from publisher.diagnostics import say
from publisher.errors import ServiceError

TIMEOUT = httpx.Timeout(90.0, connect=10.0)
SECONDS = 180.0
MAX_BYTES = 1_000_000
"""Maximum size of an answer; a larger one is an error."""
TRIES = 3
_LONGEST_WAIT = 20.0
_LONGEST_LINE = 200


def ask(llm: Llm, instruction: str, material: str, *, sleep: Callable[[float], None] = time.sleep) -> str:
    """Return the model's answer. Raises :class:`ServiceError` with the fault and the action.

    Retried twice after 429, 5xx (waiting as ``Retry-After`` says) and connection errors.
    """
    if not llm.url or not llm.model:
        advice = say("set both in config.yaml, or neither")
        raise ServiceError(say("llm.url and llm.model belong together"), help=advice)
    headers = {"content-type": "application/json", "accept-encoding": "identity"}
    if key := os.environ.get("PUBLISHER_LLM_API_KEY"):
        headers["authorization"] = f"Bearer {key}"
    body = {
        "model": llm.model,
        "temperature": 0.2,
        "messages": [{"role": "system", "content": instruction}, {"role": "user", "content": material}],
    }
    url = llm.url.rstrip("/") + ("" if llm.url.rstrip("/").endswith("/chat/completions") else "/chat/completions")
    with httpx.Client(timeout=TIMEOUT) as client:
        for attempt in range(1, TRIES + 1):
            try:
                response = _post(client, url, headers, body)
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
                told = say("the model's endpoint did not answer ({kind})", kind=type(error).__name__)
                failure = ServiceError(told, help=_CHECK_URL)
                wait = float(attempt)
            else:
                if response.status_code == 200:
                    return _content(response)
                failure = _refusal(response)
                if response.status_code != 429 and response.status_code < 500:
                    raise failure
                wait = _wait(response, attempt)
            if attempt == TRIES:
                raise failure
            sleep(wait)
    raise AssertionError


_CHECK_URL = say("check llm.url in config.yaml; without it draft key-points works offline")


def _post(client: httpx.Client, url: str, headers: dict[str, str], body: dict[str, object]) -> httpx.Response:
    """Read the answer up to a maximum size, without decompression. Raises httpx.HTTPError, ServiceError."""
    end, content = time.monotonic() + SECONDS, bytearray()
    with client.stream("POST", url, headers=headers, json=body) as response:
        for chunk in response.iter_raw():
            content += chunk
            if len(content) > MAX_BYTES:
                message = say("the endpoint's answer is larger than {most:,} bytes", most=MAX_BYTES)
                raise ServiceError(message, help=_CHECK_URL)
            if time.monotonic() > end:
                raise httpx.ReadTimeout("")
        wait = response.headers.get("retry-after", "")
        return httpx.Response(response.status_code, headers={"retry-after": wait}, content=bytes(content))


def _content(response: httpx.Response) -> str:
    try:
        content = response.json()["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ServiceError(say("the endpoint's answer is not a chat completion"), help=_CHECK_URL) from error
    if not isinstance(content, str) or not content.strip():
        raise ServiceError(say("the model answered with nothing"), help=say("try again, or another llm.model"))
    return content


def _refusal(response: httpx.Response) -> ServiceError:
    status = response.status_code
    if status in {401, 403}:
        advice = say("set PUBLISHER_LLM_API_KEY")
        return ServiceError(say("the model's endpoint refuses us ({status})", status=status), help=advice)
    if status == 404:
        advice = say("check llm.url and llm.model")
        return ServiceError(say("the endpoint knows no such address or model (404)"), help=advice)
    if status == 429:
        return ServiceError(say("the model's endpoint asks us to wait (429)"), help=say("try again later"))
    try:
        said = str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        said = ""
    said = said.replace(os.environ.get("PUBLISHER_LLM_API_KEY") or "\0", "…")[:200]  # may echo the request
    message = say("the model's endpoint answers {status}{said}", status=status, said=f": {said}" if said else "")
    return ServiceError(message, help=_CHECK_URL)


def _wait(response: httpx.Response, attempt: int) -> float:
    value = response.headers.get("retry-after", "")
    return min(float(value), _LONGEST_WAIT) if value.isdigit() else float(2**attempt)


def points_of(answer: str) -> list[str]:
    """The key points of an answer: a JSON list, or lines without their bullets and numbers."""
    start, end = answer.find("["), answer.rfind("]")
    if 0 <= start < end:
        try:
            found = json.loads(answer[start : end + 1])
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list) and all(isinstance(point, str) for point in found):
            return [" ".join(point.split()) for point in found if point.strip()]
    lines = (line.strip().lstrip("-*•0123456789.、)） \t").strip() for line in answer.splitlines())
    return [line for line in lines if line and not line.startswith("```")]


def line_of(answer: str) -> str:
    """The answer as one line of plain text without surrounding quotes; empty if it is more than a line."""
    lines = [line for line in answer.strip().strip("`").splitlines() if line.strip()]
    if len(lines) != 1 or len(lines[0]) > _LONGEST_LINE:
        return ""
    line = plain(lines[0]).strip("*# ")
    quoted = re.fullmatch(r"""["'“「『]([^"“”「」『』]*)["'”」』]""", line)
    return quoted[1].strip() if quoted else line
