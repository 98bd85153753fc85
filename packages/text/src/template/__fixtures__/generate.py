"""Writes the expected results of the template tests. See README.md."""

import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import chat_oracle
import conversation_cases
import expression_cases
import template_oracle

FOLDER = pathlib.Path(__file__).parent


def compact(value) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def write(name: str, document: dict) -> None:
    """JSON with one entry of every list on a line of its own."""
    parts = []
    for key, value in document.items():
        text = compact(value) if not isinstance(value, list) else "[\n" + ",\n".join(map(compact, value)) + "\n]"
        parts.append(f"{compact(key)}:{text}")
    (FOLDER / name).write_text("{" + ",\n".join(parts) + "}\n")


def expressions() -> None:
    variables = json.loads(expression_cases.DATA)
    cases = []
    for template in expression_cases.all_cases():
        outcome = template_oracle.render(template, variables)
        text = next(iter(outcome.values()))
        # Addresses differ from run to run, complex numbers and line numbers of generated code do not exist here.
        if re.search(r" at 0x[0-9a-f]+|[0-9]j\)|\(<template>, line", text):
            continue
        cases.append([template, *next(iter(outcome.items()))])
    descriptions = []
    for template in expression_cases.TEMPLATES:
        described = template_oracle.describe(template)
        if described["variables"] is not None:
            descriptions.append([template, described["format"], described["variables"]])
    write("expressions.json", {"variables": expression_cases.DATA, "cases": cases, "descriptions": descriptions})


def conversations() -> None:
    templates = chat_oracle.templates()
    cases = []
    for name in templates:
        for index, request in enumerate(conversation_cases.REQUESTS):
            cases.append([name, index, *chat_oracle.render_request(name, request)])
    raw = [
        [compact(messages), content_format, *chat_oracle.parse_messages(messages, content_format)]
        for messages in conversation_cases.RAW_MESSAGES
        for content_format in ("string", "openai")
    ]
    write(
        "conversations.json",
        {
            "specialTokens": {name: tokenizer.special_tokens_map for name, (_, tokenizer) in templates.items()},
            "descriptions": [
                [name, *template_oracle.describe(source).values()] for name, (source, _) in templates.items()
            ],
            "requests": [compact(request) for request in conversation_cases.REQUESTS],
            "cases": cases,
            "rawMessages": raw,
        },
    )


if __name__ == "__main__":
    if sys.argv[1:] in ([], ["expressions"]):
        expressions()
    if sys.argv[1:] in ([], ["conversations"]):
        conversations()
