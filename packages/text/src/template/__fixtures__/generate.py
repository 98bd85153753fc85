"""Writes the expected results of the template tests. See README.md."""

import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

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


if __name__ == "__main__":
    expressions()
