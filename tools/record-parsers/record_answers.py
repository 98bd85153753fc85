"""Records what vLLM's own server answers on /v1/responses and /v1/messages when an engine says given tokens.

    ~/.cache/vllm-router/real-vllm/venv/bin/python tools/record-parsers/record_answers.py [NAME...]

A name is a file of answers/: requests of both APIs with what the model says to each, and `convert`: families/NAME.json whose
texts are asked for through both APIs. Server, engine and waiting are those of record_streams.py; the prompts that reached
the engine are recorded too. Writes apps/router/test/__fixtures__/answers/NAME.json.
"""

import http.client
import json
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ["VLLM_ENABLE_RESPONSES_API_STORE"] = "1"
os.environ["VLLM_SYSTEM_START_DATE"] = "2026-11-27"

from vllm.parser.mistral import MistralToolCall  # noqa: E402

RANDOM_ID = MistralToolCall.generate_random_id

import record_streams as streams  # noqa: E402
from record import HERE, TOOLS  # noqa: E402
from vllm import __version__  # noqa: E402

# Calls of one answer are told apart by their ids, which record.py makes all the same.
MistralToolCall.generate_random_id = staticmethod(RANDOM_ID)

FIXTURES = HERE.parent.parent / "apps/router/test/__fixtures__/answers"
# The whole conversation as the template sees it.
streams.TEMPLATE = (
    "{{ messages | tojson }}{{ tools | default(none) | tojson }}{{ add_generation_prompt }}{{ reasoning_effort }}{{ enable_thinking }}"
)
MADE_ID = re.compile(r"^(resp_|msg_|rs_|fc_|ctc_|mcp_|ws_|tool_|call_(?:\d+_)?|chatcmpl-tool-|chatcmpl-)[0-9a-f]{16,36}$")
MISTRAL_ID = re.compile(r"^[a-zA-Z0-9]{9}$")
TRIES = 8
TIMES = {"created_at", "completed_at", "created"}


class Names:
    """Random ids told by their prefix and the order in which they come: what refers to what stays visible."""

    def __init__(self):
        self.known = {}

    def name(self, value, prefix):
        return self.known.setdefault(value, f"{prefix}#{len(self.known)}")

    def clean(self, value, key=None):
        if isinstance(value, dict):
            return {name: self.clean(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.clean(item) for item in value]
        if key in TIMES and value is not None:
            return "*"
        if key == "signature":
            return "*"
        if isinstance(value, str):
            if match := MADE_ID.match(value):
                return self.name(value, match[1])
            if key in ("id", "call_id") and MISTRAL_ID.match(value):
                return self.name(value, "mistral")
        return value


def events(text, names):
    """Events as [name, data]: no name where data says it, no number where it is the event's place."""
    listed = []
    for block in text.split("\n\n"):
        if block == "":
            continue
        name, data = None, None
        for line in block.split("\n"):
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = line[6:]
        if data != "[DONE]":
            data = names.clean(json.loads(data))
            if data.get("type") == name:
                name = None
            if data.get("sequence_number") == len(listed):
                del data["sequence_number"]
        listed.append([name, data])
    return listed


def clean_answer(text):
    names = Names()
    return events(text, names) if text.startswith(("data:", "event:")) else names.clean(json.loads(text))


def settled(server, path, body, script):
    """The longest answer, once it has come twice: a server that falls behind its engine joins outputs."""
    best, size, seen = None, -1, 0
    for number in range(TRIES):
        # Nobody sees in which steps a whole answer was made.
        server.engine.paces[script] = streams.STEP_S * (1 + number) if body.get("stream") else 0.005
        try:
            status, text = server.ask(path, body)
        except http.client.IncompleteRead as error:
            # The server fails in the middle of a stream.
            status, text = 200, error.partial.decode() + "data: {\"$\": \"connection lost\"}\n\n"
        try:
            value = status, clean_answer(text)
        except ValueError:
            value = status, {"unreadable": text}
        length = len(json.dumps(value))
        if length > size:
            best, size, seen = value, length, 1
        elif value == best:
            seen += 1
        if seen == 2:
            return best
    return None


ScriptedEngine = streams.ScriptedEngine


class Engine(ScriptedEngine):
    """Remembers what it was asked."""

    asked = {}

    @staticmethod
    def next_output(name, request, script):
        params = request.sampling_params
        Engine.asked[params.max_tokens] = list(request.prompt_token_ids), params.structured_outputs
        return ScriptedEngine.next_output(name, request, script)


streams.ScriptedEngine = Engine

RESPONSES_TOOLS = [
    {"type": "function", "name": t["function"]["name"], "description": t["function"].get("description"),
     "parameters": t["function"].get("parameters"), "strict": None}
    for t in TOOLS
]
MESSAGES_TOOLS = [
    {"name": t["function"]["name"], **({"description": d} if (d := t["function"].get("description")) else {}),
     "input_schema": t["function"].get("parameters", {"type": "object", "properties": {}})}
    for t in TOOLS
]
LIMITS = {"/v1/responses": "max_output_tokens", "/v1/messages": "max_tokens"}


def converted(case, has_tools):
    """A case of a family as requests of both APIs: [path, body]."""
    content = f"x{case.get('prompt', '')}"
    asked = case.get("request", {})
    choice = asked.get("tool_choice")
    named = choice["function"]["name"] if isinstance(choice, dict) else None
    kwargs = {k: v for k, v in asked.items() if k == "chat_template_kwargs"}
    own = {k: v for k, v in asked.items() if k in ("include_reasoning", "skip_special_tokens", "parallel_tool_calls")}
    tools = has_tools and case.get("tools", True)
    if choice is not None:
        own["tool_choice"] = choice if named is None else {"type": "function", "name": named}
    yield "/v1/responses", {"model": "m", "input": content, **({"tools": "$tools"} if tools else {}), **kwargs, **own}
    theirs = {}
    if choice is not None:
        kinds = {"required": "any"}
        theirs["tool_choice"] = {"type": kinds.get(choice, choice)} if named is None else {"type": "tool", "name": named}
    messages = [{"role": "user", "content": content}]
    yield "/v1/messages", {"model": "m", "messages": messages, **({"tools": "$tools"} if tools else {}), **kwargs, **theirs}


def converted_variants(case, ids, eos, has_tools, number):
    by_name = {name: (fields, script) for name, _, fields, script in streams.variants(case, ids, eos, 9)}
    for path, body in converted(case, has_tools):
        for name, (fields, script) in by_name.items():
            if name == "in groups" and number > 1:
                continue
            stream = {"stream": True} if fields.get("stream") else {}
            yield f"{path[4:]}: {case['name']}, {name}", path, {**body, **stream}, script, name == "collected"


def own_variants(case, ids, eos):
    """Streamed and collected; with `cut` ended by length, with `open` by the last token of the text."""
    cut = case.get("cut", False)
    whole = ids if cut or case.get("open", False) else [*ids, eos]
    script = [[[i], None] for i in whole]
    script[-1][1] = "length" if cut else "stop"
    for name, fields in (("streamed", {"stream": True}), ("collected", {})):
        # Stored under a name of their own: both are asked at once.
        body = renamed(case["body"], name)
        yield f"{case['path'][4:]}: {case['name']}, {name}", case["path"], {**body, **fields}, script, name == "collected"


def renamed(body, variant):
    return json.loads(json.dumps(body).replace("resp_first", f"resp_{variant}_"))


def sent(path, body, key, before):
    """The request as it goes out: tools filled in, the script named by its number of tokens."""
    body = {"model": "m", **body}
    if body.get("tools") == "$tools":
        body["tools"] = RESPONSES_TOOLS if path == "/v1/responses" else MESSAGES_TOOLS
    if key is not None and LIMITS[path] not in body:
        body[LIMITS[path]] = key
    return body


def given(options):
    """What of a constraint is set."""
    if options is None:
        return None
    named = ("json", "regex", "choice", "grammar", "json_object", "structural_tag")
    return {name: value for name in named if (value := getattr(options, name, None)) is not None}


def record(source):
    recorded = []
    plans = [("own", source, source["cases"])] if source.get("cases") else []
    for name in source.get("convert", []):
        family = json.loads((HERE / "families" / f"{name}.json").read_text())
        plans.append(("converted", {**family, **source.get("over", {})}, family["cases"]))
    heads = []
    for kind, family, cases in plans:
        folder, tokenizer, eos = streams.make_folder(family)
        pairs = {}
        for case in cases:
            names = {**family, **case}
            pairs.setdefault((names.get("toolParser"), names.get("reasoningParser")), []).append(case)
        for (tool_parser, reasoning_parser), chosen in pairs.items():
            server = streams.Server(folder, tool_parser, reasoning_parser)
            try:
                asked = []
                for number, case in enumerate(chosen):
                    ids = tokenizer.encode(case["text"], add_special_tokens=False)
                    found = (
                        own_variants(case, ids, eos) if kind == "own"
                        else converted_variants(case, ids, eos, tool_parser is not None, number)
                    )
                    for title, path, body, script, shows in found:
                        key = streams.FIRST_SCRIPT + len(asked)
                        server.engine.scripts[key] = script
                        before = []
                        for turn in case.get("before", []):
                            turn_key = 20000 + len(server.engine.scripts)
                            turn_ids = tokenizer.encode(turn["text"], add_special_tokens=False) + ([] if turn.get("open") else [eos])
                            server.engine.scripts[turn_key] = [[[i], "stop" if at == len(turn_ids) - 1 else None] for at, i in enumerate(turn_ids)]
                            variant = "streamed" if body.get("stream") else "collected"
                            before.append((renamed(turn["body"], variant), turn_key, turn_ids))
                        asked.append((case, title, path, body, script, key, shows or kind == "own", before))

                def answer(entry):
                    _, _, path, body, script, key, _, before = entry
                    for turn, turn_key, _ in before:
                        server.ask(path, sent(path, turn, turn_key, []))
                    return settled(server, path, sent(path, body, key, before), key)

                # Nothing is measured by the first answer.
                server.ask(asked[0][2], sent(asked[0][2], asked[0][3], asked[0][5], []))
                with ThreadPoolExecutor(streams.AT_ONCE) as pool:
                    answers = list(pool.map(answer, asked))
                # What did not settle among others is asked for alone.
                answers = [found or answer(entry) for entry, found in zip(asked, answers)]
                for entry, found in zip(asked, answers):
                    if found is None:
                        raise RuntimeError(f"never the same answer twice: {entry[1]}")
            finally:
                server.close()
            for (case, title, path, body, script, key, shows, before), (status, value) in zip(asked, answers):
                limit = sent(path, body, key, before)[LIMITS[path]]
                prompt, constraint = Engine.asked.pop(limit, (None, None))
                if value and isinstance(value, dict) and "tools" in value and value["tools"] and body.get("tools") == "$tools":
                    value = shorter(value)
                elif isinstance(value, list):
                    value = [[name, shorter(data)] for name, data in value]
                entry = {
                    "name": title, "family": len(heads), "toolParser": tool_parser, "reasoningParser": reasoning_parser,
                    "path": path, "body": {"model": "m", **body, **({LIMITS[path]: key} if LIMITS[path] not in body else {})},
                }
                if before:
                    entry["before"] = [{"body": {"model": "m", **turn, LIMITS[path]: turn_key}, "tokens": ids} for turn, turn_key, ids in before]
                entry["steps"] = [ids for ids, _ in script]
                entry["finish"] = script[-1][1]
                entry["status"] = status
                entry["answer"] = value
                if shows:
                    entry["prompt"] = prompt
                    if (constraint := given(constraint)) is not None:
                        entry["constraint"] = constraint
                recorded.append(entry)
        heads.append({k: family[k] for k in ("addedTokens", "tokenizer", "endOfSequence", "harmony") if k in family})
    return heads, recorded


ECHOES = {}


def shorter(value):
    """Tools of a response are said once a file."""
    if isinstance(value, dict):
        if value.get("object") == "response" and value.get("tools"):
            text = json.dumps(value["tools"])
            return {k: (["$echo", ECHOES.setdefault(text, len(ECHOES))] if k == "tools" else v) for k, v in value.items()}
        return {k: shorter(v) if k == "response" else v for k, v in value.items()}
    return value


def main():
    names = sys.argv[1:] or sorted(path.stem for path in (HERE / "answers").glob("*.json"))
    FIXTURES.mkdir(parents=True, exist_ok=True)
    for name in names:
        source = json.loads((HERE / "answers" / f"{name}.json").read_text())
        began = time.monotonic()
        ECHOES.clear()
        Engine.asked.clear()
        heads, cases = record(source)
        head = {
            "source": f"vLLM {__version__}, tools/record-parsers/record_answers.py", "template": streams.TEMPLATE,
            "families": heads, "tools": {"/v1/responses": RESPONSES_TOOLS, "/v1/messages": MESSAGES_TOOLS},
            "echoes": [json.loads(text) for text in ECHOES],
        }
        lines = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
        text = json.dumps(head, ensure_ascii=False)[:-1] + ', "cases": [\n' + lines + "\n]}\n"
        (FIXTURES / f"{name}.json").write_text(text)
        failed = sum(case["status"] != 200 for case in cases)
        print(f"{name}: {len(cases)} answers, {failed} no 200, {len(text.encode()) // 1000} kB, {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
