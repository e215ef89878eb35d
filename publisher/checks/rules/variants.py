"""Variants: text for some readers has to yield few and complete editions, under conditions that can be met."""

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.rules.references import undefined
from publisher.config import Config
from publisher.config.audience import fits, how_to_write
from publisher.config.outcomes import Test, tests_of
from publisher.config.segments import BAD_AUDIENCE, Attribute, Language, Topic, parse_segment
from publisher.diagnostics import Diagnostic, Place, Sentence, Severity, define, listed, say
from publisher.issue.codes import EMPTY_VARIANT, TOO_MANY_VARIANTS
from publisher.issue.variants import conditions_of, variants_of
from publisher.language.tags import is_language

UNKNOWN_CONDITION = define("unknown-condition", Severity.WARNING)
CODES = (BAD_AUDIENCE, EMPTY_VARIANT, TOO_MANY_VARIANTS, UNKNOWN_CONDITION)


def check(context: Context) -> Iterator[Diagnostic]:
    """Check the conditions, and the references in each variant that its content leaves undefined."""
    variants, found = variants_of(context.issue, context.config.newsletter.language)
    yield from found
    yield from _unknown(context)
    if len(variants) < 2:
        return
    whole = set(undefined(context))
    for variant in variants:
        left = undefined(Context(context.config, variant.issue, translations=context.translations))
        yield from (variant.told(finding) for finding in left if finding not in whole)


def _unknown(context: Context) -> Iterator[Diagnostic]:
    """Topics and attributes in conditions that config.yaml does not declare: no or every reader would match.

    A newsletter may have imported topics that no reader chooses, and used attributes in an audience before it declared
    any: neither is reported if config.yaml declares none.
    """
    config, audience = context.config, context.issue.audience
    conditions = conditions_of(context.issue)
    asked = [(segment, place) for _, segment, place in conditions if not isinstance(segment, Diagnostic)]
    asked += [(parse_segment(audience), context.issue.places.of("audience"))] if audience else []
    told: dict[Sentence, tuple[Sentence, Place]] = {}
    for number, (segment, place) in enumerate(asked, 1):
        older = bool(audience) and number == len(asked) and not config.audience.attributes
        for test in tests_of(segment):
            if not (older and isinstance(test, Attribute)) and (found := _misfit(test, config)):
                told.setdefault(found[0], (found[1], place))
    yield from (UNKNOWN_CONDITION.at(place, message, help=advice) for message, (advice, place) in told.items())


def _misfit(test: Test, config: Config) -> tuple[Sentence, Sentence] | None:
    attributes = config.audience.attributes
    if isinstance(test, Topic) and config.topics and test.name not in config.topics:
        message = say("no topic {name} is declared: no reader can choose it", name=test.name)
        return message, say("write one of {names}", names=listed(config.topics))
    if isinstance(test, Language) and not is_language(test.tag.partition("-")[0]):
        return say("there is no language {language!r}", language=test.tag), say("write a tag such as zh-CN, en or ja")
    if not isinstance(test, Attribute) or test.name.lower() == "name":
        return None
    declared = attributes.get(test.name)
    if declared is None:
        message = say("no attribute {name} is declared: it would be empty for every reader", name=test.name)
        if attributes:
            return message, say("write one of {names}", names=listed(attributes))
        return message, say("declare it in audience.attributes of config.yaml")
    whole = test.comparison in {"=", "!="} or declared.type != "date"  # dates compare as text, so since > 2024 is valid
    if test.value and whole and not fits(test.value, declared.type, declared.choices):
        message = say("the attribute {name} is never {value}", name=test.name, value=test.value)
        return message, how_to_write(declared.type, declared.choices)
    return None
