#!/usr/bin/env python3
"""Seeded fuzz of request bodies: made from the server's own schema, answered by vLLM, compared with another server.

  fuzz.py corpus BASE --out CORPUS.jsonl [--pooling] [--seed N] [--count N]     bodies from BASE/openapi.json
  fuzz.py record BASE CORPUS.jsonl --model M --out FILE.jsonl                   what vLLM answers; unstable cases are left out and named
  fuzz.py check  BASE FILE.jsonl... [--json]                                    another server against the recording
  fuzz.py live   BASE REFERENCE CORPUS.jsonl --model M [-v]                     two servers, without a recording

Greedy answers are compared whole (ids, times and fingerprints aside), sampled ones by their shape: keys, types, nulls. Of an error the
status, `type`, `code`, `param` and the wording. Exit status 1 on any difference in other than wording.
"""
import argparse
import collections
import concurrent.futures
import http.client
import json
import os
import sys
import urllib.request

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import differ
from generate import cases

GENERATED = ("choices", "output", "content")


def is_greedy(request):
    """Whether the answer repeats: the request asks for no randomness."""
    body = request.get("body")
    if not isinstance(body, dict):
        try:
            body = json.loads(request.get("raw", ""))
        except ValueError:
            return True
    params = body.get("sampling_params") if isinstance(body, dict) and isinstance(body.get("sampling_params"), dict) else body
    if not isinstance(params, dict) or "query" in params or "questions" in params:
        return True
    value = params.get("temperature")
    return value in (0, "0", False, "0.0") and not isinstance(value, type(None))


def shape(value):
    """Keys, types and nulls; items of lists are merged into one."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shape(v) for v in value[:1]]
    return None if value is None else type(value).__name__


def ask(base, request, model, timeout=60):
    try:
        return differ.send(base, request, model, timeout)
    except (OSError, http.client.HTTPException) as error:
        return {"status": 0, "headers": {}, "text": f"{type(error).__name__}: {error}"}


def verdict(got, want, model, request):
    """(verdict, differences): equal, wording, chunking, listed, different."""
    error = (got.get("body") or {}).get("error") if isinstance(got.get("body"), dict) else None
    if got["status"] == 501 and isinstance(error, dict) and error.get("type") == "NotImplementedError":
        return "listed", [("status", error.get("param"), want["status"])]
    if want["status"] >= 400 or got["status"] != want["status"] or is_greedy(request):
        name, diffs = differ.compare(got, want, model, model, 0.002, request)
        if name in ("equal", "wording", "chunking"):
            return name, diffs
        return ("listed" if all(is_untold(d) for d in diffs) else "different"), diffs
    if "body" in got and "body" in want:
        diffs = list(differ.differences(shape(got["body"]), shape(want["body"]), 0))
        return ("different" if [d for d in diffs if not is_choice_of_text(d)] else "equal"), diffs
    return "equal", []


def is_untold(difference):
    """What a gRPC engine does not report (ranks of prompt tokens), and what depends on all it was asked before (its cache)."""
    at, got, _ = difference
    return at.endswith(".rank") and "prompt_logprobs" in at and got is None or at.endswith((".cache_write_tokens", ".cached_tokens"))


def is_choice_of_text(difference):
    """Null or text by what was sampled: reasoning and content, calls, how it ended, whether the text was special."""
    return difference[0].rsplit(".", 1)[-1].split("[")[0] in ("content", "reasoning", "tool_calls", "stop_reason", "logprobs", "length", "output", "incomplete_details")


def told(answer):
    """An error's object, or the answer, shortened."""
    body = answer.get("body", answer.get("text"))
    return json.dumps(body.get("error", body) if isinstance(body, dict) else body)[:1500]


def concurrently(jobs, work, items):
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(work, items)


def corpus(args):
    document = json.load(urllib.request.urlopen(args.base + "/openapi.json", timeout=60))
    with open(args.out, "w", encoding="utf-8") as out:
        count = 0
        for case in cases(document, args.pooling, args.seed, args.count):
            out.write(json.dumps(case) + "\n")
            count += 1
    print(f"{count} cases in {args.out}")


def compact(answer):
    return {k: v for k, v in answer.items() if k != "headers"} | {"headers": {k: v for k, v in answer["headers"].items() if k in differ.KEPT_HEADERS}}


def record(args):
    unstable, kept = [], 0
    known = list(differ.read_jsonl([args.corpus]))

    def twice(case):
        return [ask(args.base, case["request"], args.model) for _ in range(2)]

    with open(args.out, "w", encoding="utf-8") as out:
        for case, (first, second) in zip(known, concurrently(args.jobs, twice, known)):
            if first["status"] in (0, 500) or first["status"] != second["status"]:
                unstable.append((case["id"], f"vLLM itself answers {first['status']}", first.get("body") or first.get("text")))
            elif verdict(second, first, args.model, case["request"])[0] in ("different", "wording"):
                unstable.append((case["id"], "vLLM's answer differs from one time to the next", verdict(second, first, args.model, case["request"])[1][:1]))
            else:
                out.write(json.dumps({**case, "model": args.model, **compact(first)}, ensure_ascii=True, separators=(",", ":")) + "\n")
                kept += 1
    with open(args.out.replace(".jsonl", "") + ".unstable.json", "w", encoding="utf-8") as out:
        json.dump([{"id": name, "reason": reason, "seen": json.dumps(seen)[:300]} for name, reason, seen in unstable], out, indent=1)
        out.write("\n")
    print(f"recorded {kept}, left out {len(unstable)}")


def compare(args):
    known = list(differ.read_jsonl(args.files))

    def both(case):
        request, model = case["request"], args.model or case.get("model")
        got = ask(args.base, request, model)
        want = ask(args.reference, request, model) if args.reference else case
        return got, want, verdict(got, want, model, request)

    table, details = collections.defaultdict(collections.Counter), []
    for case, (got, want, (name, diffs)) in zip(known, concurrently(args.jobs, both, known)):
        if want["status"] in (0, 500) and args.reference:
            name = "vllm-500"
        table[case["group"]][name] += 1
        if name not in ("equal", "chunking"):
            details.append({"id": case["id"], "verdict": name, "request": case["request"], "status": [got["status"], want["status"]],
                            "got": told(got), "want": told(want),
                            "differences": [{"at": p, "got": a, "want": b} for p, a, b in diffs[:6]]})
    total = collections.Counter()
    for counts in table.values():
        total.update(counts)
    if args.json:
        json.dump({"groups": {g: dict(c) for g, c in sorted(table.items())}, "total": dict(total), "details": details}, sys.stdout, indent=1)
        print()
    else:
        for group, counts in [*sorted(table.items()), ("total", total)]:
            print(f"{group:<40}" + "  ".join(f"{k} {v}" for k, v in sorted(counts.items())))
        for detail in details if args.verbose else []:
            if args.only and detail["verdict"] != args.only:
                continue
            print(f"\n{detail['id']}: {detail['verdict']} {detail['status']} {json.dumps(detail['request'])[:args.width]}")
            print(f"  got  {detail['got'][:args.width]}\n  want {detail['want'][:args.width]}")
            for d in detail["differences"]:
                print(f"  {d['at']}\n    got  {json.dumps(d['got'])[:args.width]}\n    want {json.dumps(d['want'])[:args.width]}")
    return 1 if total["different"] else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = parser.add_subparsers(dest="command", required=True)
    make, rec, check, live = (sub.add_parser(name) for name in ("corpus", "record", "check", "live"))
    for p in (make, rec, check, live):
        p.add_argument("base")
    make.add_argument("--pooling", action="store_true", help="routes of a pooling server")
    make.add_argument("--seed", default="1")
    make.add_argument("--count", type=int, default=200, help="cases for each of the large routes, half as many for the others")
    rec.add_argument("corpus")
    for p in (make, rec):
        p.add_argument("--out", required=True)
    live.add_argument("reference")
    for p in (rec, check, live):
        p.add_argument("--model", required=p is not check)
        p.add_argument("--jobs", type=int, default=6, help="requests at a time")
    for p in (check, live):
        p.add_argument("files", nargs="+")
        p.add_argument("--json", action="store_true")
        p.add_argument("-v", "--verbose", action="store_true")
        p.add_argument("--only", help="verdict to list")
        p.add_argument("--width", type=int, default=700)
    check.set_defaults(reference=None)
    args = parser.parse_args()
    sys.exit({"corpus": corpus, "record": record, "check": compare, "live": compare}[args.command](args))


if __name__ == "__main__":
    main()
