"""Prints the shapes of `POST /v1/responses` bodies as the table of packages/api/src/responses/shapes.

Run with the environment's Python. One type a line: `Name m{field:T field~T=default}`; `m` a model, `t` a typed dict;
`:` required, `~` optional. T: str int float bool any, `'a','b'` words, `[T]` list, `<T>` iterable, `{T}` object of T,
`(A|B)` union, `T?` or null, or a name. `$field` lines are the request's own fields.
"""
import json
import re

from vllm.entrypoints.openai.responses.protocol import ResponsesRequest

FIELDS = ["input", "metadata", "prompt", "reasoning", "text", "tool_choice", "tools"]
schema = ResponsesRequest.__pydantic_core_schema__
definitions = {d["ref"]: d for d in schema.get("definitions", [])}
names: dict[str, str] = {}
taken: dict[str, int] = {}
lines: list[str] = []


def unique(ref, label):
    if ref in names:
        return names[ref], True
    count = taken.get(label, 0)
    taken[label] = count + 1
    names[ref] = label if count == 0 else f"{label}#{count}"
    return names[ref], False


def fields(table, is_model):
    parts = []
    for name, field in table.items():
        inner = field["schema"]
        default = None
        required = True
        if inner["type"] == "default":
            required = False
            default = inner.get("default")
            if "default_factory" in inner:
                default = []
            inner = inner["schema"]
        if field["type"] == "typed-dict-field":
            required = bool(field.get("required", True))
        key = field.get("validation_alias", name)
        text = f"{key}{':' if required else '~'}{shape(inner)}"
        if is_model and not required:
            text += "=" + json.dumps(default, separators=(",", ":"))
        parts.append(text)
    return " ".join(parts)


def named(node):
    if node["type"] == "typed-dict":
        label = node.get("cls_name") or node["cls"].__name__
        table, is_model = node["fields"], False
    else:
        label = node["cls"].__name__
        inner = node["schema"]
        while inner["type"] != "model-fields":
            inner = inner["schema"]
        table, is_model = inner["fields"], True
    name, known = unique(node.get("ref") or str(id(node)), label)
    if not known:
        at = len(lines)
        lines.append("")
        lines[at] = f"{name} {'m' if is_model else 't'}{{{fields(table, is_model)}}}"
    return name


def shape(node):
    kind = node["type"]
    if kind in ("str", "int", "float", "bool", "any"):
        return kind
    if kind == "literal":
        return ",".join(f"'{word}'" for word in node["expected"])
    if kind == "nullable":
        return shape(node["schema"]) + "?"
    if kind == "list":
        return f"[{shape(node['items_schema'])}]"
    if kind == "generator":
        return f"<{shape(node['items_schema'])}>"
    if kind == "dict":
        return f"{{{shape(node['values_schema']) if 'values_schema' in node else 'any'}}}"
    if kind == "union":
        return "(" + "|".join(shape(c[0] if isinstance(c, tuple) else c) for c in node["choices"]) + ")"
    if kind == "json-or-python":
        return shape(node["json_schema"])
    if kind == "definition-ref":
        return shape(definitions[node["schema_ref"]])
    if kind in ("typed-dict", "model"):
        return named(node)
    if kind in ("function-before", "function-wrap", "function-after", "default"):
        return shape(node["schema"])
    raise SystemExit(f"unknown kind {kind}: {str(node)[:300]}")


request = definitions.get(schema["schema"].get("schema_ref"), schema["schema"])
while request["type"] != "model-fields":
    request = request["schema"]
heads = []
for field in FIELDS:
    inner = request["fields"][field]["schema"]
    if inner["type"] == "default":
        inner = inner["schema"]
    heads.append(f"${field} {shape(inner)}")


def merged(rows):
    """Types with the same label and members become one."""
    while True:
        known, same = {}, {}
        for row in rows:
            name, body = row.split(" ", 1)
            key = (name.split("#")[0], body)
            same[name] = known.setdefault(key, name)
        if all(name == first for name, first in same.items()):
            return rows
        keep = [row for row in rows if same[row.split(" ", 1)[0]] == row.split(" ", 1)[0]]
        rows = [re.sub(r"[A-Za-z_]+#\d+", lambda m: same.get(m[0], m[0]), row) for row in keep]


print("\n".join(merged(heads + lines)))
