"""Bodies of a route, made from its schema in the server's own /openapi.json and from valid bodies; the same for the same seed."""
import base64
import copy
import json
import random

from bases import GENERATING, POOLING

TEXTS = ["", " ", "a", "0", "5", "true", "null", "\u0000", "\n", "e\u0301", "\U0001f469\u200d\U0001f4bb", "\u202e\u200b", "\ufeff", "\ufffd",
         "日本", "\u00a0", "'\"\\", "{{ x }}", "<|im_end|>", "</think>", "x" * 300, "\u0085\u2028", "ß\u0130", "$MODEL", "auto", "yes", "none", "1e3", " 7 ", "-1", "NaN"]
NUMBERS = [0, 1, -1, 2, 3, 5, 20, 21, 0.0, 0.5, 1.0, -0.5, 1.5, 2.5, 100, 129, -2, 1e-9, 1e300, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**30]
ODD = [None, True, False, 0, 1, -1, 3.5, 5.0, "5", "x", "", [], {}, [None], [[]], ["a"], [1], [1, "a", None], {"a": 1}, {"type": "x"}, [{}], "true", 10**20, 1e400, [0.5], {"": ""}, [True]]
NAMES = ["unknown", "Model", "model ", "", "__class__", "best_of", "functions", "max_tokens ", "guided_json", "type", "\u00e9"]
BUDGETS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
WIDE = {"n": 4, "prompt_logprobs": 3, "best_of": 4}


class Bodies:
    def __init__(self, document, seed):
        self.document, self.rng = document, random.Random(seed)

    def resolve(self, schema):
        while "$ref" in schema:
            node = self.document
            for part in schema["$ref"].lstrip("#/").split("/"):
                node = node[part]
            schema = node
        return schema

    def options(self, schema):
        schema = self.resolve(schema)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return [o for member in schema[key] for o in self.options(member)]
        return [schema]

    def value(self, schema, depth=0):
        """A value that the schema allows."""
        rng, schema = self.rng, rng_choice(self.rng, self.options(schema))
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return rng.choice(schema["enum"])
        kind = schema.get("type")
        if kind == "null":
            return None
        if kind == "boolean":
            return rng.random() < 0.5
        if kind == "integer":
            return rng.choice([0, 1, 2, 5, -1, 10])
        if kind == "number":
            return rng.choice([0, 0.5, 1, 1.0, 1.5, -1, 2])
        if kind == "string":
            return rng.choice(["a", "hello", "user", "text", "json", "add", "{}", "call_1", "\U0001f642 é", "data:image/png;base64,AAAA"])
        if kind == "array":
            if "prefixItems" in schema:
                return [self.value(item, depth + 1) for item in schema["prefixItems"]]
            low = schema.get("minItems", 0)
            return [self.value(schema.get("items", {}), depth + 1) for _ in range(0 if depth > 4 else max(low, rng.choice([0, 1, 1, 2])))]
        if kind == "object" or "properties" in schema:
            required = set(schema.get("required", ()))
            out = {}
            for name, member in schema.get("properties", {}).items():
                if name in required or depth < 4 and rng.random() < 0.2:
                    out[name] = self.value(member, depth + 1)
            more = schema.get("additionalProperties")
            if isinstance(more, dict) and depth < 5 and rng.random() < 0.7:
                out[rng.choice(["a", "1", "b"])] = self.value(more, depth + 1)
            return out
        return copy.deepcopy(rng.choice(ODD))

    def mutant(self, schema, old, name):
        """Another value for a member: allowed, at a bound, or of another kind."""
        rng, draw = self.rng, self.rng.random()
        if draw < 0.36 and schema is not None:
            return self.value(schema)
        if draw < 0.5:
            return rng.choice(NUMBERS)
        if draw < 0.62:
            return rng.choice(TEXTS)
        if draw < 0.7:
            return None
        if draw < 0.76 and isinstance(old, list):
            return old * rng.choice([2, 3, 5])
        if draw < 0.8:
            return [old] if rng.random() < 0.5 else {"a": old}
        return copy.deepcopy(rng.choice(ODD))

    def properties(self, schema, body):
        """Schemas of an object's members: of the alternative that knows most of them."""
        best, score = {}, -1
        for option in self.options(schema):
            known = option.get("properties", {})
            count = sum(1 for key in body if key in known)
            if count > score:
                best, score = known, count
        return best

    def mutate(self, body, schema, depth=0):
        """Changes one member somewhere in an object or a list, in place."""
        rng = self.rng
        if isinstance(body, list):
            if body and rng.random() < 0.85:
                at = rng.randrange(len(body))
                items = next((o["items"] for o in self.options(schema or {}) if "items" in o), None)
                if isinstance(body[at], (dict, list)) and body[at] and rng.random() < 0.75:
                    return self.mutate(body[at], items, depth + 1)
                body[at] = self.mutant(items, body[at], None)
            else:
                body.append(copy.deepcopy(rng.choice(ODD)))
            return
        known = self.properties(schema, body) if schema else {}
        draw = rng.random()
        nested = [k for k, v in body.items() if isinstance(v, (dict, list)) and v]
        if nested and draw < (0.4 if depth == 0 else 0.5):
            key = rng.choice(nested)
            return self.mutate(body[key], known.get(key), depth + 1)
        if body and draw < 0.48:
            del body[rng.choice(list(body))]
        elif draw < 0.53:
            body[rng.choice(NAMES)] = copy.deepcopy(rng.choice(ODD))
        else:
            name = rng.choice((list(known) if known and rng.random() < 0.7 or not body else list(body)) or NAMES)
            body[name] = self.mutant(known.get(name), body.get(name), name)

    def body(self, base, schema):
        body = copy.deepcopy(base)
        for _ in range(self.rng.choice([1, 1, 1, 1, 2, 2, 3, 5])):
            self.mutate(body, schema)
        return affordable(body)

    def raw(self, body):
        """A body that is no JSON, or JSON that only its text shows."""
        rng, text = self.rng, json.dumps(body)
        cut = rng.randrange(len(text))
        trick = rng.randrange(16)
        forms = {
            0: text[:cut], 1: text[:-1] + ",}", 2: text.replace('"', "'"), 3: text + rng.choice(["x", "{}", " \n", "\x00"]), 4: rng.choice(["", "null", "[]", "1", '"x"', "true", " ", "[1,2", "{", "nul"]),
            5: text[:-1] + ', "temperature": NaN}', 6: text[:-1] + ', "top_p": ' + rng.choice(["Infinity", "-Infinity", "1e999", "1E400"]) + "}", 7: text[:-1] + ', "user": "\\ud800"}', 8: text[:-1] + ', "user": "' + rng.choice(["\x01", "\t", "\n", "\x7f"]) + '"}',
            9: text[:-1] + ', "model": "nope"}', 10: text[:-1] + ', "priority": ' + rng.choice(["01", "+1", ".5", "1.", "-", "0x1", "1_000", "-0", "1e2", "--1"]) + "}", 11: "\ufeff" + text, 12: text[:-1] + ', "stop": "\\u00"}',
            13: text[:cut] + rng.choice(["}", "]", '"', ":", ",", "\\", "a"]) + text[cut:], 14: text[:-1] + ', "a": ' + "[" * 40 + "]" * 40 + "}", 15: "/* c */" + text,
        }
        return forms[trick]


def rng_choice(rng, options):
    return rng.choice(options)


def affordable(body):
    """Keeps a body from generating for minutes: budgets stay small where they are budgets at all."""
    for part in (body, body.get("sampling_params")):
        if not isinstance(part, dict):
            continue
        given = [part[name] for name in BUDGETS if isinstance(part.get(name), (int, float)) and not isinstance(part.get(name), bool)]
        for name in BUDGETS:
            if isinstance(part.get(name), (int, float)) and 16 < part[name] < 2100 or part.get(name) in ("5", "20", "100"):
                part[name] = 3
        for name, most in WIDE.items():
            if isinstance(part.get(name), (int, float)) and most < part[name] < 100_000 or isinstance(part.get(name), str):
                part[name] = most
        if not given and part is body and ("messages" in body or "input" in body or "prompt" in body) or part is not body and not given:
            part["max_output_tokens" if "input" in body else "max_tokens"] = 3
    return body


def schema_of(document, path):
    operation = document["paths"].get(path, {}).get("post", {})
    return operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")


MEDIA = ["text/plain", "application/json; charset=utf-8", "application/x-www-form-urlencoded", "APPLICATION/JSON", "application/vnd.api+json", "", "multipart/form-data", "application/json;", "json"]


def cases(document, pooling, seed, count):
    """`count` cases for each route, in the form that differ.py sends."""
    for path, bases in (POOLING if pooling else GENERATING).items():
        bodies = Bodies(document, f"{seed}{path}")
        schema = schema_of(document, path)
        share = count if path in ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/v1/embeddings") else max(1, count // 2)
        for number in range(share):
            rng, base = bodies.rng, bodies.rng.choice(bases)
            request = {"method": "POST", "path": path}
            draw = rng.random()
            if number < len(bases):
                request["body"] = bases[number]
            elif draw < 0.05:
                request["raw"] = bodies.raw(base)
            elif draw < 0.06:
                request["bytes"] = base64.b64encode(json.dumps(base).encode()[:-1] + rng.choice([b', "a": "\xff"}', b', "a": "\xed\xa0\x80"}', b"\xc3", b', "\xe2\x82": 1}'])).decode()
            elif draw < 0.08:
                request["headers"] = {"Content-Type": rng.choice(MEDIA)}
                request["body"] = bodies.body(base, schema)
            elif draw < 0.12 and schema is not None:
                made = bodies.value(schema)
                request["body"] = affordable({**made, **{k: v for k, v in base.items() if k in BUDGETS + ("temperature",)}}) if isinstance(made, dict) else made
            else:
                request["body"] = bodies.body(base, schema)
            group = "fuzz:" + path
            yield {"id": f"{path}#{number}", "group": group, "request": request}
