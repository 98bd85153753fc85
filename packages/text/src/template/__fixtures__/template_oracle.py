"""What the template environment of transformers, as vLLM uses it, makes of a template."""

import copy
import datetime
import os

os.environ.setdefault("VLLM_LOGGING_LEVEL", "CRITICAL")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "critical")

import jinja2
from transformers.utils import chat_template_utils
from vllm.renderers.hf import (
    _detect_content_format,
    _resolve_chat_template_kwargs,
    _template_error_reason,
)


class FixedClock(datetime.datetime):
    """The moment that tests inject as the local time."""

    @classmethod
    def now(cls, tz=None):
        return cls(2026, 3, 7, 9, 5, 3, 1234)


chat_template_utils.datetime = FixedClock


def render(template: str, variables: dict) -> dict:
    """The rendered text, or the message of the error as vLLM reports it."""
    try:
        compiled = chat_template_utils._cached_compile_jinja_template(template)
    except Exception as error:
        return {"invalid": _template_error_reason(error)}
    try:
        return {"text": compiled.render(**copy.deepcopy(variables))}
    except Exception as error:
        return {"error": _template_error_reason(error)}


def describe(template: str) -> dict:
    """What vLLM reads off the syntax tree."""
    try:
        names = sorted(_resolve_chat_template_kwargs(template))
        chat_template_utils._cached_compile_jinja_template(template)
    except (jinja2.TemplateSyntaxError, SyntaxError):
        return {"format": "string", "variables": None}
    return {"format": _detect_content_format(template, default="string"), "variables": names}
