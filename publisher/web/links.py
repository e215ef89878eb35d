"""Signed links: confirm, unsubscribe, preferences, keep. A GET changes nothing, because scanners follow links.

RFC 8058: the one-click POST, urlencoded or multipart, needs no cookie, gets no redirect; only its token is checked.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from zoneinfo import ZoneInfo

from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from publisher.audience import store
from publisher.audience.columns import time_zone
from publisher.audience.model import ConsentSource, ConsentState, Subscriber
from publisher.audience.tokens import TEST, Purpose, TokenPayload
from publisher.web.forms import Fields, came_from_us, evidence, read_fields
from publisher.web.readers import EACH, KEEP, PAUSES, Unsubscribe, editable, read_choices
from publisher.web.service import Service

ONE_CLICK = ("List-Unsubscribe", "One-Click")


async def show_button(request: Request, purpose: Purpose) -> Response:
    """GET of confirm or keep: show a button."""
    service, claim = _claim(request, purpose)
    subscriber = _known(await service.read(service.readers.find, claim.reference))
    return service.pages.page("confirm", subscriber.language, word=purpose.value)


async def confirm(request: Request) -> Response:
    """POST: confirm the subscription."""
    service, claim = _claim(request, Purpose.CONFIRM, form=True)
    subscriber = _known(await service.write(service.readers.confirm, claim, evidence(request)))
    service.metrics.count("changes", "confirmed")
    return service.pages.message("confirmed", subscriber.language, preferences_link=_preferences(service, subscriber))


async def show_unsubscribe(request: Request) -> Response:
    """GET: show a button."""
    service, claim = _claim(request, Purpose.UNSUBSCRIBE)
    subscriber = await service.read(service.readers.find, claim.reference)
    if subscriber is None:
        return service.pages.message("nobody")
    link = _preferences(service, subscriber, claim.mailing)
    may_pause = subscriber.state is ConsentState.CONFIRMED and not store.is_paused(subscriber)
    return service.pages.page("unsubscribe", subscriber.language, preferences_link=link, may_pause=may_pause)


async def unsubscribe(request: Request) -> Response:
    """POST: unsubscribe, by the person or by their mail program."""
    service, claim = _claim(request, Purpose.UNSUBSCRIBE)
    one_click = await _is_one_click(request)
    how = ConsentSource.ONE_CLICK if one_click else ConsentSource.LINK
    proof = evidence(request, mailing=claim.mailing)
    subscriber = await service.together.leave(Unsubscribe(claim.reference, how, proof))
    service.metrics.count("changes", "unsubscribed" if subscriber else "unknown")
    if subscriber is None:
        # A mail program gets success too: it can show no error, and would only retry.
        answer = PlainTextResponse("unsubscribed\n") if one_click else service.pages.message("nobody")
        answer.background = BackgroundTask(request.app.state.alarms.unknown_link, claim.reference)
        return answer
    if one_click:
        return PlainTextResponse("unsubscribed\n")
    link = _preferences(service, subscriber, claim.mailing)
    return service.pages.page("unsubscribed", subscriber.language, preferences_link=link)


async def keep(request: Request) -> Response:
    """POST: record that the person still reads."""
    service, claim = _claim(request, Purpose.KEEP, form=True)
    subscriber = _known(await service.write(service.readers.keep, claim.reference, evidence(request)))
    service.metrics.count("changes", "kept")
    if subscriber.state is not ConsentState.CONFIRMED:
        return _preferences_page(service, subscriber, claim)
    return service.pages.message("kept", subscriber.language, preferences_link=_preferences(service, subscriber))


async def show_preferences(request: Request) -> Response:
    """GET: show the form."""
    service, claim = _claim(request, Purpose.PREFERENCES)
    return _preferences_page(service, _known(await service.read(service.readers.find, claim.reference)), claim)


async def preferences(request: Request) -> Response:
    """POST: ``action=save`` or ``action=stay`` (undo an unsubscription)."""
    service, claim = _claim(request, Purpose.PREFERENCES, form=True)
    fields = await read_fields(request)
    proof = evidence(request, mailing=claim.mailing)
    if fields.one("action") == "stay":
        subscriber = _known(await service.write(service.readers.stay, claim.reference, proof))
        service.metrics.count("changes", "stayed")
        link = _preferences(service, subscriber, claim.mailing)
        return service.pages.message("stayed", subscriber.language, preferences_link=link)

    read = partial(read_choices, fields, service.config)
    found = await service.write(service.readers.prefer, claim.reference, read, proof)
    if found is None:
        raise HTTPException(410)
    subscriber, choices = found
    service.metrics.count("changes", "refused" if choices.wrong else "preferences")
    if fields.is_json and choices.wrong:
        say = service.pages.words(subscriber.language)
        return JSONResponse({"errors": {name: say(word) for name, word in choices.wrong.items()}}, 422)
    if fields.is_json:
        return JSONResponse({"status": "saved"})
    return _preferences_page(service, subscriber, claim, fields, choices.wrong)


def _preferences_page(
    service: Service,
    subscriber: Subscriber,
    claim: TokenPayload,
    sent: Fields | None = None,
    wrong: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """Return the form; ``sent`` was saved, or is shown again if some of its fields are ``wrong``."""
    token = service.tokens.sign(Purpose.UNSUBSCRIBE, subscriber.reference, claim.mailing)
    given = {name: sent.one(name) for name in sent.values} if sent and wrong else {}
    paused = subscriber.paused_until if store.is_paused(subscriber) else None
    held = {"name": subscriber.name, "language": subscriber.language or "", "timezone": subscriber.timezone or ""}
    held |= {"pause": KEEP if paused else "off", "digest": subscriber.digest or EACH}
    zone = ZoneInfo(time_zone(subscriber.timezone or "") or service.config.newsletter.timezone)
    return service.pages.page(
        "preferences", subscriber.language, status=422 if wrong else 200, saved=sent is not None and not wrong,
        wrong=wrong, unsubscribed=subscriber.state is ConsentState.UNSUBSCRIBED,
        chosen=sent.many("topics") if sent and wrong else subscriber.topics,
        given={**subscriber.attributes, **held, **given}, languages=service.pages.languages(subscriber.language),
        pauses=PAUSES, paused=paused and paused.astimezone(zone), attributes=editable(service.config),
        unsubscribe_link=f"../{Purpose.UNSUBSCRIBE}/{token}",
    )  # fmt: skip


async def _is_one_click(request: Request) -> bool:
    """Whether the body says ``List-Unsubscribe=One-Click``. An unreadable body still unsubscribes, by link."""
    try:
        fields = await read_fields(request)
    except (HTTPException, ClientDisconnect):
        return False
    name, value = ONE_CLICK
    return fields.one(name).lower() == value.lower()


def _claim(request: Request, purpose: Purpose, *, form: bool = False) -> tuple[Service, TokenPayload]:
    """Read the token. Raises HTTPException: 403 ``form`` from elsewhere, 410 invalid link, 200 link of a test mail."""
    service: Service = request.app.state.service
    ours = [service.config.service.url] if service.config.service.url else []
    if form and not came_from_us(request, ours):
        raise HTTPException(403)
    claim = service.tokens.read(purpose, request.path_params["token"])
    if claim is None:
        raise HTTPException(410)
    if claim.mailing == TEST:
        raise HTTPException(200)
    return service, claim


def _known(subscriber: Subscriber | None) -> Subscriber:
    if subscriber is None:
        raise HTTPException(410)
    return subscriber


def _preferences(service: Service, subscriber: Subscriber, mailing: str | None = None) -> str:
    return f"../{Purpose.PREFERENCES}/{service.tokens.sign(Purpose.PREFERENCES, subscriber.reference, mailing)}"
