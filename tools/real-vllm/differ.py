#!/usr/bin/env python3
"""Record what a server answers, or compare a server with a recording or with another server.

  differ.py record BASE CORPUS.jsonl --model M --config C --out FILE.jsonl
  differ.py check  BASE TRANSCRIPT.jsonl... [--model M] [--tol 0.002] [-v] [--json] [--only RE]
  differ.py live   BASE REFERENCE_BASE CORPUS_OR_TRANSCRIPT.jsonl... --model M [same options]

Verdicts: equal; headers (only headers differ: a charset, x-request-id, retry-after ...);
wording (only the text of an error message differs); chunking (a stream whose joined
content is the same but whose chunks are cut or ordered otherwise: two tokens in one chunk
happens on a busy machine); fields (same status and, for generations, same text, reasoning,
tool calls, finish reasons and token counts, but other keys or values differ; for errors,
same status but another body); different; failed (no HTTP answer).
Exit status 1 when any case is fields, different or failed.
Ids, times, fingerprints and versions are normalised; floats may differ by --tol.
"""
import argparse
import base64
import collections
import http.client
import json
import re
import struct
import sys
import urllib.parse

KEPT_HEADERS = ("content-type", "retry-after", "allow", "www-authenticate", "metadata")
PRESENCE_HEADERS = ("x-request-id",)  # its value is random: compared as present or absent
TIME_KEYS = {"created", "created_at", "completed_at", "timestamp", "ts"}
OPAQUE_KEYS = {"system_fingerprint", "version", "encrypted_content", "signature"}
HEX = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,40})(?![0-9A-Za-z])")
CLOCK = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|\+00:00)?")


def substitute(value, model):
    if isinstance(value, str):
        return value.replace("$MODEL", model)
    if isinstance(value, list):
        return [substitute(v, model) for v in value]
    if isinstance(value, dict):
        return {k: substitute(v, model) for k, v in value.items()}
    return value


def send(base, request, model, timeout=300):
    """One request; returns {status, headers, body | text}."""
    url = urllib.parse.urlsplit(base)
    conn = http.client.HTTPConnection(url.hostname, url.port or 80, timeout=timeout)
    headers = dict(request.get("headers") or {})
    payload = None
    if "bytes" in request:
        payload = base64.b64decode(request["bytes"]).replace(b"$MODEL", model.encode())
    elif "raw" in request:
        payload = request["raw"].replace("$MODEL", model).encode("utf-8", "surrogatepass")
    elif "body" in request:
        payload = json.dumps(substitute(request["body"], model)).encode()
    if payload is not None and not any(k.lower() == "content-type" for k in headers):
        headers["Content-Type"] = "application/json"
    headers = {k: v for k, v in headers.items() if not (k.lower() == "content-type" and v == "")}
    path = urllib.parse.quote(substitute(request["path"], model), safe="/?=&%")
    try:
        conn.request(request["method"], url.path.rstrip("/") + path, body=payload, headers=headers)
        answer = conn.getresponse()
        data = answer.read()
    finally:
        conn.close()
    out = {"status": answer.status, "headers": {}}
    for key, value in answer.getheaders():
        key = key.lower()
        if key in KEPT_HEADERS or key.startswith(("x-", "access-control-")):
            out["headers"][key] = value
    ctype = out["headers"].get("content-type", "")
    if ctype == "application/octet-stream":
        out["bytes"] = base64.b64encode(data).decode()
        return out
    text = data.decode("utf-8", "backslashreplace")
    if request["path"] == "/metrics":
        text = "\n".join(sorted(set(re.findall(r"^# TYPE (\S+ \S+)", text, re.M))))
    if "json" in ctype and data:
        try:
            out["body"] = json.loads(text)
            return out
        except ValueError:
            pass
    out["text"] = text
    return out


class Normaliser:
    """Replaces random ids by their order of appearance, so that relations between ids stay."""

    def __init__(self, model):
        self.seen, self.model = {}, model

    def text(self, s):
        s = HEX.sub(lambda m: "<id%d>" % self.seen.setdefault(m.group(), len(self.seen) + 1), s)
        return CLOCK.sub("<clock>", s)

    def walk(self, value, key=None):
        if isinstance(value, dict):
            return {k: self.walk(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [self.walk(v, key) for v in value]
        if key in TIME_KEYS and isinstance(value, (int, float)):
            return "<time>"
        if key in OPAQUE_KEYS and isinstance(value, str):
            return "<opaque>"
        return self.text(value) if isinstance(value, str) else value


def parse_sse(text):
    """List of [event name or None, data: parsed JSON or text]."""
    events = []
    for block in re.split(r"\r?\n\r?\n", text):
        name, data = None, []
        for line in block.splitlines():
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
        if name is None and not data:
            continue
        joined = "\n".join(data)
        try:
            joined = json.loads(joined)
        except ValueError:
            pass
        events.append([name, joined])
    return events


def merge(into, delta):
    """Fold one streamed piece into an accumulated one: strings and lists grow, the rest is replaced."""
    for key, value in delta.items():
        old = into.get(key)
        if isinstance(value, str) and isinstance(old, str) and key in ("content", "text", "reasoning", "reasoning_content", "arguments"):
            into[key] = old + value
        elif isinstance(value, list) and isinstance(old, list):
            if value and all(isinstance(v, dict) and "index" in v for v in value):
                for v in value:
                    match = next((o for o in old if o.get("index") == v["index"]), None)
                    merge(match, v) if match is not None else old.append(json.loads(json.dumps(v)))
            else:
                into[key] = old + value
        elif isinstance(value, dict) and isinstance(old, dict):
            merge(old, value)
        elif value is not None or key not in into:
            into[key] = json.loads(json.dumps(value))
    return into


def assemble(events):
    """The joined content of a stream, whatever its chunks."""
    choices, rest, typed = {}, {}, []
    for name, data in events:
        if not isinstance(data, dict):
            typed.append([name, data])
        elif isinstance(data.get("choices"), list):
            for choice in data["choices"]:
                merge(choices.setdefault(str(choice.get("index")), {}), choice)
            rest = {**rest, **{k: v for k, v in data.items() if k != "choices" and v is not None}}
        else:
            data = {k: v for k, v in data.items() if k != "sequence_number"}
            last = typed[-1][1] if typed else None
            same = isinstance(last, dict) and "delta" in data and "delta" in last and all(
                last.get(k) == data.get(k) for k in ("type", "index", "item_id", "output_index", "content_index"))
            if same and isinstance(data["delta"], str):
                last["delta"] += data["delta"]
            elif same and isinstance(data["delta"], dict):
                for k, v in data["delta"].items():
                    last["delta"][k] = last["delta"].get(k, "") + v if isinstance(v, str) and k != "type" else v
            else:
                typed.append([name, json.loads(json.dumps(data))])
    return {"choices": choices, "rest": rest, "events": typed}


def core(answer, kind, value):
    """What a client cannot do without: the joined text, tool calls, finish reasons and token counts."""
    if answer["status"] >= 400:
        return answer["status"]
    joined = assemble(value) if kind == "sse" else {"choices": {}, "rest": value} if isinstance(value, dict) else None
    if joined is None or kind == "text":
        return None
    choices = list(joined["choices"].values()) or joined["rest"].get("choices")
    if not choices:
        return None
    usage = joined["rest"].get("usage") or {}
    out = [answer["status"], usage.get("prompt_tokens"), usage.get("completion_tokens")]
    for c in choices:
        m = c.get("delta") or c.get("message") or {}
        calls = [(t.get("function") or {}) for t in m.get("tool_calls") or []]
        out.append([c.get("index"), m.get("content") or c.get("text") or "", m.get("reasoning") or m.get("reasoning_content") or "",
                    [(f.get("name"), f.get("arguments")) for f in calls], c.get("finish_reason")])
    return out


def is_error_text(path):
    return bool(re.search(r"(^|\.)(error|detail)(\.|\[|$)", path)) and bool(re.search(r"(message|msg|detail|error|input)$", path))


def differences(got, want, tol, path=""):
    """Yields (path, got, want)."""
    if isinstance(want, dict) and isinstance(got, dict):
        for key in want.keys() | got.keys():
            here = f"{path}.{key}" if path else key
            if key not in got:
                yield here, "<absent>", want[key]
            elif key not in want:
                yield here, got[key], "<absent>"
            else:
                yield from differences(got[key], want[key], tol, here)
    elif isinstance(want, list) and isinstance(got, list):
        if len(want) != len(got):
            yield f"{path}.length", len(got), len(want)
        for i, (a, b) in enumerate(zip(got, want)):
            yield from differences(a, b, tol, f"{path}[{i}]")
    elif isinstance(want, bool) or isinstance(got, bool):
        if got is not want:
            yield path, got, want
    elif isinstance(want, (int, float)) and isinstance(got, (int, float)):
        floats = isinstance(want, float) or isinstance(got, float)
        if got != want and not (floats and abs(got - want) <= tol * max(1.0, abs(want))):
            yield path, got, want
    elif got != want and not (isinstance(got, str) and isinstance(want, str) and "<id" in want and not is_error_text(path)
                              and re.fullmatch(re.sub(r"<id\\?\d+>", "[0-9A-Za-z_<>-]+", re.escape(want)), got)):
        yield path, got, want  # a random id may have any form after the same prefix


def kept_headers(answer, model):
    kept = {k: v for k, v in answer["headers"].items() if k in KEPT_HEADERS}
    if "metadata" in kept:
        kept["metadata"] = Normaliser(model).walk(json.loads(kept["metadata"]))
    return kept


def unpack(data, request):
    """The numbers of an embedding sent as bytes, as the request wanted them; None when they do not fit."""
    body = request.get("body") or {}
    dtype, order = body.get("embed_dtype", "float32"), ">" if body.get("endianness") == "big" else "<"
    size = {"float32": 4, "float16": 2, "bfloat16": 2}.get(dtype, 1)
    if len(data) % size:
        return None
    count = len(data) // size
    if dtype == "float32":
        return list(struct.unpack(f"{order}{count}f", data))
    if dtype == "float16":
        return list(struct.unpack(f"{order}{count}e", data))
    if dtype == "bfloat16":
        return [struct.unpack("<f", struct.pack("<I", code << 16))[0] for code in struct.unpack(f"{order}{count}H", data)]
    mantissa, bias = (3, 7) if dtype == "fp8_e4m3" else (2, 15)
    return [small_float(code, mantissa, bias) for code in data]


def small_float(code, mantissa, bias):
    exponent, fraction = (code & 127) >> mantissa, (code & ((1 << mantissa) - 1)) / (1 << mantissa)
    size = fraction * 2.0 ** (1 - bias) if exponent == 0 else (1 + fraction) * 2.0 ** (exponent - bias)
    return -size if code & 128 else size


def same_numbers(got, want, request, tol):
    """True for two embeddings in bytes whose numbers differ by no more than their format and `tol` let them."""
    a, b = unpack(got, request), unpack(want, request)
    return a is not None and b is not None and len(a) == len(b) and all(
        x == y or abs(x - y) <= max(tol, 0.13 * max(abs(x), abs(y)) if "fp8" in str(request) else 0.01 * abs(x)) for x, y in zip(a, b))


def unify_embeddings(got, want, request, tol):
    """Gives `got` the base64 of `want` wherever both stand for the same numbers."""
    if isinstance(got, dict) and isinstance(want, dict):
        return {k: unify_embeddings(v, want.get(k), request, tol) for k, v in got.items()}
    if isinstance(got, list) and isinstance(want, list) and len(got) == len(want):
        return [unify_embeddings(a, b, request, tol) for a, b in zip(got, want)]
    if isinstance(got, str) and isinstance(want, str) and len(got) == len(want) > 64 and got != want:
        try:
            return want if same_numbers(base64.b64decode(got, validate=True), base64.b64decode(want, validate=True), request, tol) else got
        except ValueError:
            return got
    return got


def compare(got, want, model, want_model, tol, request=None):
    """(verdict, [difference...])"""
    diffs, soft = [], []
    if "bytes" in got and "text" in want:  # recorded before bytes were kept
        got = {**got, "text": base64.b64decode(got["bytes"]).decode("utf-8", "backslashreplace")}
        del got["bytes"]
    if got["status"] != want["status"]:
        diffs.append(("status", got["status"], want["status"]))
    media = [a["headers"].get("content-type", "").split(";")[0] for a in (got, want)]
    if media[0] != media[1]:
        diffs.append(("headers.media-type", *media))
    soft += differences(*[kept_headers(a, name) for a, name in ((got, model), (want, want_model))], 0, "headers")
    if request is not None and tol > 0 and "body" in got and "body" in want:
        got = {**got, "body": unify_embeddings(got["body"], want["body"], request, tol)}
    for key in PRESENCE_HEADERS:
        present = [key in a["headers"] for a in (got, want)]
        if present[0] != present[1]:
            soft.append(("headers." + key, *present))

    def side(answer, name):
        norm = Normaliser(name)
        if "bytes" in answer:
            return "bytes", answer["bytes"]
        if "body" in answer:
            return "json", norm.walk(rename(answer["body"], name))
        text = rename(answer.get("text", ""), name)
        if answer["headers"].get("content-type", "").startswith("text/event-stream"):
            return "sse", norm.walk(parse_sse(text))
        return "text", norm.text(text)

    def rename(value, name):
        return substitute(value, "") if not name else json.loads(json.dumps(value).replace(json.dumps(name), '"<model>"').replace(f"`{name}`", "`<model>`"))

    (kind_a, a), (kind_b, b) = side(got, model), side(want, want_model)
    if kind_a != kind_b:
        diffs.append(("kind", kind_a, kind_b))
    if kind_a == kind_b == "bytes" and same_numbers(base64.b64decode(a), base64.b64decode(b), request or {}, tol):
        b = a
    body = list(differences(a, b, tol))
    if kind_a == kind_b == "sse" and body and not diffs:
        joined = list(differences(assemble(a), assemble(b), tol))
        if not joined:
            return "chunking", body + soft
        body = joined
    if diffs or not all(is_error_text(p) and isinstance(x, str) and isinstance(y, str) for p, x, y in body):
        cores = core(got, kind_a, a), core(want, kind_b, b)
        return "fields" if cores[0] == cores[1] is not None else "different", diffs + body + soft
    return ("wording" if body else "headers" if soft else "equal"), body + soft


def read_jsonl(paths):
    for path in paths:
        with open(path, encoding="utf-8") as f:
            for line in f:
                if line.strip():
                    yield json.loads(line)


def request_of(case):
    return case.get("request") or {k: case[k] for k in ("method", "path", "headers", "body", "raw", "stream") if k in case}


def record(args):
    count = 0
    with open(args.out, "w", encoding="utf-8") as out:
        for case in read_jsonl([args.corpus]):
            if args.config and args.config not in case.get("needs", [args.config]) or not re.search(args.only, case["id"]):
                continue
            request = request_of(case)
            try:
                answer = send(args.base, request, args.model, args.timeout)
            except (OSError, http.client.HTTPException) as e:
                print(f"{case['id']}: {type(e).__name__}: {e}", file=sys.stderr)
                continue
            line = {"id": case["id"], "group": case["group"], "config": args.config, "model": args.model,
                    "request": request, **answer}
            out.write(json.dumps(line, ensure_ascii=True) + "\n")
            count += 1
    print(f"recorded {count} cases in {args.out}")


def shorten(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:157] + "..."


def run(args):
    table = collections.defaultdict(collections.Counter)
    details = []
    for case in read_jsonl(args.files):
        if "rpc" in case or "id" not in case:  # gRPC and KV event recordings
            continue
        if not re.search(args.only, case["id"]) or args.config and args.config not in case.get("needs", [case.get("config")]):
            continue
        request = request_of(case)
        model = args.model or case["model"]
        try:
            got = send(args.base, request, model, args.timeout)
            if args.reference:
                want, want_model = send(args.reference, request, args.reference_model or model, args.timeout), args.reference_model or model
            else:
                want, want_model = case, case["model"]
            verdict, diffs = compare(got, want, model, want_model, args.tol, request)
        except (OSError, http.client.HTTPException) as e:
            verdict, diffs = "failed", [("transport", f"{type(e).__name__}: {e}", None)]
        table[case["group"]][verdict] += 1
        if verdict != "equal":
            details.append({"id": case["id"], "verdict": verdict, "answer": None if verdict == "failed" else {
                                "status": got["status"], "body": got.get("body")} if got["status"] >= 400 else {"status": got["status"]},
                            "differences": [{"at": p, "got": a, "want": b} for p, a, b in diffs[:args.max]]})
    columns = ("equal", "headers", "wording", "chunking", "fields", "different", "failed")
    total = collections.Counter()
    for counts in table.values():
        total.update(counts)
    if args.json:
        json.dump({"groups": {g: dict(c) for g, c in sorted(table.items())}, "total": dict(total), "details": details},
                  sys.stdout, indent=1, ensure_ascii=False)
        print()
    else:
        print(f"{'group':<16}{'cases':>7}" + "".join(f"{c:>11}" for c in columns))
        for group, counts in [*sorted(table.items()), ("total", total)]:
            print(f"{group:<16}{sum(counts.values()):>7}" + "".join(f"{counts[c]:>11}" for c in columns))
        for d in details if args.verbose else []:
            print(f"\n{d['id']}: {d['verdict']}")
            for x in d["differences"]:
                print(f"  {x['at']}\n    got  {shorten(x['got'])}\n    want {shorten(x['want'])}")
    return 1 if total["fields"] + total["different"] + total["failed"] else 0


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest="command", required=True)
    rec, check, live = (sub.add_parser(n) for n in ("record", "check", "live"))
    for p in (rec, check, live):
        p.add_argument("base")
    rec.add_argument("corpus")
    rec.add_argument("--out", required=True)
    live.add_argument("reference")
    for p in (check, live):
        p.add_argument("files", nargs="+")
        p.add_argument("--tol", type=float, default=0.002, help="allowed float difference (default %(default)s)")
        p.add_argument("--max", type=int, default=6, help="differences listed per case")
        p.add_argument("-v", "--verbose", action="store_true")
        p.add_argument("--json", action="store_true")
        p.add_argument("--reference-model", help="model name on the reference, if another")
    for p in (rec, check, live):
        p.add_argument("--model", required=p is not check, help="served model name ($MODEL)")
        p.add_argument("--config", help="only cases that need this configuration")
        p.add_argument("--only", default="", help="only cases whose id matches this regular expression")
        p.add_argument("--timeout", type=float, default=300)
    check.set_defaults(reference=None)
    args = ap.parse_args()
    sys.exit(record(args) if args.command == "record" else run(args))


if __name__ == "__main__":
    main()
