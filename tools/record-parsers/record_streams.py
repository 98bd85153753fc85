"""Records what vLLM's own server answers when an engine says given tokens, as fixtures for the router.

    ~/.cache/vllm-router/real-vllm/venv/bin/python tools/record-parsers/record_streams.py [FAMILY...]

The server is an unmodified `vllm serve`; its engine is `ScriptedEngine` below, which dials in as a headless engine would and
says the tokens that a request's `max_tokens` names. So texts, parsers, chunks and usage are the server's own, for any family
of families/NAME.json, without weights. Writes apps/router/test/__fixtures__/streams/NAME.json.
"""

import json
import os
import random
import re
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

# The date that prompts of gpt-oss name, so that a recording is the same on any day.
START_DATE = "2026-11-28"
os.environ.update(
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    VLLM_NO_USAGE_STATS="1",
    DO_NOT_TRACK="1",
    VLLM_LOGGING_LEVEL="ERROR",
    VLLM_SYSTEM_START_DATE=START_DATE,
)

import numpy as np  # noqa: E402
import zmq  # noqa: E402

from transformers import GptOssConfig  # noqa: E402

from vllm import __version__  # noqa: E402
from vllm.entrypoints.openai import api_server  # noqa: E402, F401
from vllm.v1.engine import (  # noqa: E402
    EngineCoreOutput,
    EngineCoreOutputs,
    EngineCoreReadyResponse,
    EngineCoreRequest,
    FinishReason,
    UtilityOutput,
)
from vllm.v1.metrics.stats import PrefillStats  # noqa: E402
from vllm.v1.outputs import LogprobsLists  # noqa: E402
from vllm.v1.serial_utils import MsgpackDecoder, MsgpackEncoder, UtilityResult  # noqa: E402

from record import CACHE, CALL_ID, HERE, TOOLS, grouped, load_tokenizer  # noqa: E402

FIXTURES = HERE.parent.parent / "apps/router/test/__fixtures__/streams"
FIRST_SCRIPT = 1000
STEP_S = float(os.environ.get("STEP_MS", "30")) / 1000
AT_ONCE = 4
TRIES = 8
TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}"
FINISH = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH}
CHUNK_HEAD = {"id": "*", "object": "chat.completion.chunk", "created": "*", "model": "m"}
# What differs from run to run in any answer.
RANDOM = {"id", "request_id", "created", "created_at", "completed_at", "item_id", "call_id", "tool_use_id"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ScriptedEngine(threading.Thread):
    """An engine core that gives each request the groups of tokens of its script, one group a step."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.scripts = {}
        self.paces = {}
        self.ended = threading.Event()

    def run(self):
        context = zmq.Context()
        identity = (0).to_bytes(2, "little")
        handshake = context.socket(zmq.DEALER)
        handshake.setsockopt(zmq.IDENTITY, identity)
        handshake.connect(f"tcp://127.0.0.1:{self.port}")
        encoder = MsgpackEncoder()
        hello = {"local": False, "headless": True}
        handshake.send_multipart(encoder.encode({"status": "HELLO", **hello}))
        addresses = MsgpackDecoder(dict).decode([handshake.recv()])["addresses"]
        requests = context.socket(zmq.DEALER)
        requests.setsockopt(zmq.IDENTITY, identity)
        requests.connect(addresses["inputs"][0])
        outputs = context.socket(zmq.PUSH)
        outputs.connect(addresses["outputs"][0])
        ready = EngineCoreReadyResponse(
            max_model_len=40960, num_gpu_blocks=100000, block_size=16, dp_stats_address=None, dtype="float32",
            vllm_version=__version__, world_size=1, data_parallel_size=1, tensor_parallel_size=1,
            pipeline_parallel_size=1, decode_context_parallel_size=1, data_parallel_rank=0, max_num_seqs=1024,
            max_num_batched_tokens=8192, instance_id="scripted", supports_lora=False, max_loras=0,
        )
        requests.send_multipart(encoder.encode(ready))
        handshake.send_multipart(encoder.encode({"status": "READY", **hello}))
        handshake.close(linger=1000)
        decoder = MsgpackDecoder(EngineCoreRequest)
        plain = MsgpackDecoder()
        running = {}
        while not self.ended.is_set():
            if requests.poll(5):
                kind, *frames = requests.recv_multipart()
                if kind == b"\0":
                    request = decoder.decode(frames)
                    key = request.sampling_params.max_tokens
                    pace = self.paces.get(key, STEP_S)
                    script = list(enumerate(self.scripts[key]))
                    running[request.request_id] = SimpleNamespace(request=request, script=script, pace=pace, due=0)
                elif kind == b"\1":
                    for name in plain.decode(frames):
                        running.pop(name, None)
                elif kind == b"\3":
                    _, call, method, _ = plain.decode(frames)
                    result = {"get_supported_tasks": ("generate",), "is_sleeping": False}.get(method)
                    answer = UtilityOutput(call_id=call, result=UtilityResult(result))
                    outputs.send_multipart(encoder.encode(EngineCoreOutputs(utility_output=answer)))
            now = time.monotonic()
            step = []
            for name, entry in running.items():
                if entry.due <= now:
                    entry.due = now + entry.pace
                    step.append(self.next_output(name, entry.request, entry.script))
            if step:
                for output in step:
                    if output.finished:
                        del running[output.request_id]
                outputs.send_multipart(encoder.encode(EngineCoreOutputs(outputs=step)))
        context.destroy(linger=0)

    @staticmethod
    def next_output(name, request, script):
        number, (ids, finish) = script.pop(0)
        wanted = request.sampling_params.logprobs
        prompt = len(request.prompt_token_ids)
        output = EngineCoreOutput(request_id=name, new_token_ids=ids, finish_reason=FINISH.get(finish))
        if number == 0:
            output.prefill_stats = PrefillStats(num_prompt_tokens=prompt, num_computed_tokens=prompt)
        if wanted is not None:
            columns = range(wanted + 1)
            output.new_logprobs = LogprobsLists(
                np.array([[i + column for column in columns] for i in ids], dtype=np.int64),
                np.array([[-0.25 * (1 + column) for column in columns] for _ in ids], dtype=np.float32),
                np.ones(len(ids), dtype=np.int64),
            )
        return output


class Server:
    """`vllm serve` in a process that has everything imported already, and its engine."""

    def __init__(self, folder, tool_parser, reasoning_parser):
        self.port = free_port()
        engine_port = free_port()
        flags = ["--host", "127.0.0.1", "--port", str(self.port), "--data-parallel-size-local", "0"]
        flags += ["--data-parallel-address", "127.0.0.1", "--data-parallel-rpc-port", str(engine_port)]
        flags += ["--max-model-len", "40960", "--served-model-name", "m", "--chat-template", str(folder / "template.jinja")]
        flags += ["--disable-log-stats", "--enable-prompt-tokens-details"]
        if tool_parser is not None:
            flags += ["--enable-auto-tool-choice", "--tool-call-parser", tool_parser]
        if reasoning_parser is not None:
            flags += ["--reasoning-parser", reasoning_parser]
        sys.stdout.flush()
        self.process = os.fork()
        if self.process == 0:
            os.setsid()
            log = os.open(folder / "server.log", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            sys.argv = ["vllm", "serve", str(folder), *flags]
            try:
                from vllm.entrypoints.cli.main import main as serve

                serve()
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        self.engine = ScriptedEngine(engine_port)
        self.engine.start()
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5).close()
                return
            except OSError:
                if time.monotonic() > deadline or os.waitpid(self.process, os.WNOHANG)[0] != 0:
                    raise RuntimeError(f"no server:\n{(folder / 'server.log').read_text()[-4000:]}") from None
                time.sleep(0.2)

    def close(self):
        self.engine.ended.set()
        os.killpg(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        self.engine.join()

    def ask(self, path, body):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def events(text):
    """Whole answers as one value; streams as a list of [event name or null, value]."""
    listed = []
    for block in text.split("\n\n"):
        if block == "":
            continue
        name = None
        for line in block.split("\n"):
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = line[6:]
                listed.append([name, data if data == "[DONE]" else bare(clean(json.loads(data)))])
    return listed


def bare(chunk):
    """Without what every chunk of a chat says, in this order and first."""
    head = dict(list(chunk.items())[: len(CHUNK_HEAD)])
    return {k: v for k, v in chunk.items() if k not in head} if head == CHUNK_HEAD else chunk


def clean(value, key=None):
    if isinstance(value, dict):
        return {name: clean(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [clean(item) for item in value]
    if key in RANDOM and value is not None:
        return CALL_ID.sub(r"\g<1>*", value) if isinstance(value, str) and CALL_ID.match(value) else "*"
    return value


def variants(case, ids, eos, number):
    """What is asked of one case: [name, path, fields, script]."""
    singles = [[i] for i in ids]
    chance = random.Random(zlib.crc32(case["name"].encode()))
    groups = [ids_of for ids_of, _ in grouped([([i], "") for i in ids], chance)]
    cut = max(1, len(ids) * 2 // 3)

    def ended(parts, finish="stop"):
        whole = [*parts, [eos]] if finish == "stop" else parts
        return [[part, finish if at == len(whole) - 1 else None] for at, part in enumerate(whole)]

    chat = "/v1/chat/completions"
    usage = {"include_usage": True, "continuous_usage_stats": True}
    yield "token by token", chat, {"stream": True}, ended(singles)
    yield "in groups", chat, {"stream": True, "stream_options": usage}, ended(groups)
    yield "collected", chat, {}, ended(singles)
    yield "cut short, streamed", chat, {"stream": True}, ended(singles[:cut], "length")
    yield "cut short, collected", chat, {}, ended(singles[:cut], "length")
    if number < 2:
        detail = {"logprobs": True, "top_logprobs": 2, "return_token_ids": True}
        yield "with logprobs and ids, streamed", chat, {**detail, "stream": True}, ended(groups)
        yield "with logprobs and ids, collected", chat, detail, ended(groups)


def body_of(case, fields, script, has_tools):
    prompt = case.get("prompt", "")
    return {
        "model": "m",
        "messages": [{"role": "user", "content": f"x{prompt}"}],
        **({"tools": TOOLS} if has_tools and case.get("tools", True) else {}),
        **case.get("request", {}),
        **fields,
        "max_tokens": script,
    }


def settled(server, path, body):
    """The longest answer, once it has come twice: a server that falls behind its engine joins outputs."""
    best, size, seen = None, -1, 0
    for number in range(TRIES):
        server.engine.paces[body["max_tokens"]] = STEP_S * (1 + number)
        status, text = server.ask(path, body)
        value = status, events(text) if text.startswith(("data:", "event:")) else clean(json.loads(text))
        length = len(json.dumps(value))
        if length > size:
            best, size, seen = value, length, 1
        elif value == best:
            seen += 1
        if seen == 2:
            return best
    raise RuntimeError(f"never the same answer twice: {body}")


def make_folder(family):
    folder = Path(tempfile.mkdtemp(prefix="record-streams-"))
    source = CACHE / "models/tiny-qwen3"
    tokenizer = load_tokenizer(family.get("addedTokens", []), family.get("tokenizer"))
    tokenizer.save_pretrained(folder)
    config = json.loads((source / "config.json").read_text())
    config["vocab_size"] = 300000
    eos = family.get("endOfSequence", tokenizer.eos_token_id)
    config["eos_token_id"] = eos
    if family.get("harmony", False):
        config = {**GptOssConfig(num_hidden_layers=1, num_local_experts=2).to_dict(), "architectures": ["GptOssForCausalLM"]}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "template.jinja").write_text(TEMPLATE)
    return folder, tokenizer, eos


def record(family):
    folder, tokenizer, eos = make_folder(family)
    recorded = []
    pairs = {}
    for case in family["cases"]:
        names = {**family, **case}
        pairs.setdefault((names.get("toolParser"), names.get("reasoningParser")), []).append(case)
    try:
        for (tool_parser, reasoning_parser), cases in pairs.items():
            server = Server(folder, tool_parser, reasoning_parser)
            try:
                asked = []
                for number, case in enumerate(cases):
                    ids = tokenizer.encode(case["text"], add_special_tokens=False)
                    for name, path, fields, script in variants(case, ids, eos, number):
                        key = FIRST_SCRIPT + len(asked)
                        server.engine.scripts[key] = script
                        asked.append((case, name, path, body_of(case, fields, key, tool_parser is not None), script))

                server.ask(asked[0][2], asked[0][3])
                with ThreadPoolExecutor(AT_ONCE) as pool:
                    answers = list(pool.map(lambda entry: settled(server, entry[2], entry[3]), asked))
            finally:
                server.close()
            for (case, name, path, body, script), (status, value) in zip(asked, answers):
                recorded.append({
                    "name": f"{case['name']}, {name}", "toolParser": tool_parser, "reasoningParser": reasoning_parser,
                    "path": path, "body": {k: v for k, v in body.items() if k != "tools" or v != TOOLS},
                    "hasTools": body.get("tools") == TOOLS,
                    "steps": [ids for ids, _ in script], "finish": script[-1][1], "status": status, "answer": value,
                })
    finally:
        shutil.rmtree(folder)
    return recorded


def main():
    names = sys.argv[1:] or sorted(path.stem for path in (HERE / "families").glob("*.json"))
    FIXTURES.mkdir(parents=True, exist_ok=True)
    for name in names:
        family = json.loads((HERE / "families" / f"{name}.json").read_text())
        began = time.monotonic()
        cases = record(family)
        head = {"source": f"vLLM {__version__}, tools/record-parsers/record_streams.py", **{k: v for k, v in family.items() if k != "cases"}}
        if family.get("harmony"):
            head["systemStartDate"] = START_DATE
        lines = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
        text = json.dumps(head, ensure_ascii=False)[:-1] + ', "cases": [\n' + lines + "\n]}\n"
        (FIXTURES / f"{name}.json").write_text(text)
        failed = sum(case["status"] != 200 for case in cases)
        print(f"{name}: {len(cases)} answers, {failed} no 200, {len(text.encode()) // 1000} kB, {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
