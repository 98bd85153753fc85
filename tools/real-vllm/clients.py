#!/usr/bin/env python3
"""clients.py BASE MODEL [pooling]: the official Python clients against a server; prints {check: what went wrong, or ""}."""
import array
import asyncio
import base64
import json
import math
import sys
import traceback
from typing import Literal

import anthropic
import openai
from pydantic import BaseModel

BASE, MODEL = sys.argv[1:3]
KIND = sys.argv[3] if len(sys.argv) > 3 else "generating"
oa = openai.OpenAI(base_url=BASE + "/v1", api_key="none", max_retries=0, timeout=120)
an = anthropic.Anthropic(base_url=BASE, api_key="none", max_retries=0, timeout=120)
USER = [{"role": "user", "content": "Say hi."}]
QUIET = {"chat_template_kwargs": {"enable_thinking": False}}
GREEDY = {"temperature": 0}  # the client of this version has no such argument any more
PARAMETERS = {"type": "object", "properties": {"unit": {"type": "string", "enum": ["C"]}}, "required": ["unit"], "additionalProperties": False}
CALL = '<tool_call>\n{"name": "weather", "arguments": {"unit": "C"}}\n</tool_call>'
TOOL = {"type": "function", "function": {"name": "weather", "description": "Weather.", "parameters": PARAMETERS}}
CHECKS = {}


def saying(text):
    """What makes a model with random weights say a text, and then stop."""
    return {**QUIET, "structured_outputs": {"choice": [text]}}


def check(name, kind="generating"):
    """A check of servers of one kind."""
    return lambda run: CHECKS.setdefault(name, run) if kind == KIND else run


def raised(kind, run):
    try:
        run()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


@check("openai chat")
def _():
    answer = oa.chat.completions.create(model=MODEL, messages=USER, max_tokens=6, temperature=0, logprobs=True, top_logprobs=2, extra_body=QUIET)
    assert answer.choices[0].message.content and answer.choices[0].finish_reason == "length", answer
    assert answer.usage.completion_tokens == 6 and len(answer.choices[0].logprobs.content) == 6
    assert [m.id for m in oa.models.list().data] == [MODEL]


@check("openai chat stream helper")
def _():
    with oa.chat.completions.stream(model=MODEL, messages=USER, max_tokens=30, temperature=0, stream_options={"include_usage": True}, extra_body=saying("Hello there")) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert "content.delta" in kinds and "content.done" in kinds, kinds
    assert final.choices[0].message.content == "Hello there" and final.choices[0].finish_reason == "stop", final
    assert final.usage.completion_tokens > 1


@check("openai tools")
def _():
    asked = dict(model=MODEL, messages=USER, max_tokens=80, temperature=0, tools=[TOOL], extra_body=saying(CALL))
    answer = oa.chat.completions.create(**asked)
    message = answer.choices[0].message
    assert message.tool_calls and message.tool_calls[0].function.name == "weather" and answer.choices[0].finish_reason == "tool_calls", answer
    assert json.loads(message.tool_calls[0].function.arguments) == {"unit": "C"}
    with oa.chat.completions.stream(**asked) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
    assert [json.loads(event.arguments) for event in done] == [{"unit": "C"}], done
    turns = [*USER, message.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "20"}]
    again = oa.chat.completions.create(model=MODEL, messages=turns, max_tokens=3, temperature=0, tools=[TOOL], extra_body=QUIET)
    assert again.usage.prompt_tokens > answer.usage.prompt_tokens


class Reply(BaseModel):
    word: Literal["yes"]


@check("openai structured parse")
def _():
    said = {**saying('{"word": "yes"}'), "response_format": None}
    answer = oa.chat.completions.parse(model=MODEL, messages=USER, max_tokens=30, temperature=0, response_format=Reply, extra_body=said)
    assert answer.choices[0].message.parsed == Reply(word="yes"), answer.choices[0].message


@check("openai responses")
def _():
    answer = oa.responses.create(model=MODEL, input="Say hi.", max_output_tokens=6, temperature=0, extra_body=QUIET)
    assert answer.output_text and answer.status == "incomplete" and answer.usage.output_tokens == 6, answer
    assert answer.incomplete_details.reason == "max_output_tokens"


@check("openai responses stream helper")
def _():
    whole = oa.responses.create(model=MODEL, input="Say hi.", max_output_tokens=6, temperature=0, extra_body=QUIET)
    with oa.responses.stream(model=MODEL, input="Say hi.", max_output_tokens=6, temperature=0, extra_body=QUIET) as stream:
        events = list(stream)
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == whole.output_text and events[0].type == "response.created", [event.type for event in events]


@check("openai completions")
def _():
    answer = oa.completions.create(model=MODEL, prompt=["a", "b"], max_tokens=4, temperature=0, echo=True, logprobs=1)
    assert [c.index for c in answer.choices] == [0, 1] and answer.choices[1].text.startswith("b")
    chunks = list(oa.completions.create(model=MODEL, prompt="a", max_tokens=4, temperature=0, stream=True))
    assert "a" + "".join(c.choices[0].text for c in chunks) == answer.choices[0].text


@check("openai asynchronous")
def _():
    async def several():
        async with openai.AsyncOpenAI(base_url=BASE + "/v1", api_key="none", max_retries=0) as client:
            return await asyncio.gather(*(client.chat.completions.create(model=MODEL, messages=USER, max_tokens=4, temperature=0, extra_body=QUIET) for _ in range(4)))
    assert len({a.choices[0].message.content for a in asyncio.run(several())}) == 1


@check("openai errors")
def _():
    create = oa.chat.completions.create
    missing = raised(openai.NotFoundError, lambda: create(model="nope", messages=USER))
    assert missing.param == "model" and missing.type == "NotFoundError" and missing.status_code == 404, missing.body
    bad = raised(openai.BadRequestError, lambda: create(model=MODEL, messages=USER, temperature=-1))
    assert bad.param == "temperature" and bad.type == "BadRequestError", bad.body
    long = raised(openai.BadRequestError, lambda: create(model=MODEL, messages=USER, max_tokens=99999))
    assert long.param == "max_tokens", long.body
    assert raised(openai.BadRequestError, lambda: oa.responses.create(model=MODEL, input=5)).param == "body.input"
    assert raised(openai.NotFoundError, lambda: oa.responses.retrieve("resp_none")).status_code == 404


@check("anthropic messages")
def _():
    answer = an.messages.create(model=MODEL, max_tokens=6, messages=USER, extra_body=GREEDY, system="Be short.")
    assert answer.role == "assistant" and answer.stop_reason == "max_tokens" and answer.usage.output_tokens == 6, answer
    assert answer.content and answer.content[0].type in ("text", "thinking")


@check("anthropic stream helper")
def _():
    whole = an.messages.create(model=MODEL, max_tokens=6, messages=USER, extra_body=GREEDY, thinking={"type": "disabled"})
    with an.messages.stream(model=MODEL, max_tokens=6, messages=USER, extra_body=GREEDY, thinking={"type": "disabled"}) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert [b.model_dump(exclude={"signature"}) for b in final.content] == [b.model_dump(exclude={"signature"}) for b in whole.content], (final, whole)
    assert text == "".join(b.text for b in final.content if b.type == "text") and final.usage.output_tokens == 6


@check("anthropic tools")
def _():
    tools = [{"name": "weather", "description": "Weather.", "input_schema": PARAMETERS}]
    turns = [*USER, {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "weather", "input": {"unit": "C"}}]},
             {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "20"}]}]
    plain = an.messages.count_tokens(model=MODEL, messages=USER)
    answer = an.messages.create(model=MODEL, max_tokens=3, messages=turns, tools=tools, tool_choice={"type": "auto"}, extra_body=GREEDY)
    assert answer.usage.input_tokens == an.messages.count_tokens(model=MODEL, messages=turns, tools=tools).input_tokens > plain.input_tokens


@check("anthropic count_tokens")
def _():
    counted = an.messages.count_tokens(model=MODEL, messages=USER, system="Be short.")
    answer = an.messages.create(model=MODEL, max_tokens=1, messages=USER, system="Be short.", extra_body=GREEDY)
    assert counted.input_tokens == answer.usage.input_tokens, (counted, answer.usage)


@check("anthropic errors")
def _():
    missing = raised(anthropic.NotFoundError, lambda: an.messages.create(model="nope", max_tokens=1, messages=USER))
    assert missing.body["error"]["type"] == "NotFoundError", missing.body
    raised(anthropic.BadRequestError, lambda: an.messages.create(model=MODEL, max_tokens=-1, messages=USER))


TEXTS = ["A man is eating food.", "A man is eating a piece of bread.", "The girl is carrying a baby."]


@check("openai embeddings", "pooling")
def _():
    # Unless told otherwise the client asks for base64 and reads it.
    read = oa.embeddings.create(model=MODEL, input=TEXTS)
    told = oa.embeddings.create(model=MODEL, input=TEXTS, encoding_format="float")
    text = oa.embeddings.create(model=MODEL, input=TEXTS, encoding_format="base64")
    assert [item.index for item in read.data] == [0, 1, 2] and read.model == MODEL and read.usage.prompt_tokens == read.usage.total_tokens > 0, read.usage
    for one, other, encoded in zip(read.data, told.data, text.data):
        assert len(one.embedding) == 384 and math.isclose(sum(x * x for x in one.embedding), 1, abs_tol=1e-5)
        assert all(math.isclose(a, b, abs_tol=1e-7) for a, b in zip(one.embedding, other.embedding))
        assert array.array("f", base64.b64decode(encoded.embedding)).tolist() == list(one.embedding)
    tokens = oa.embeddings.create(model=MODEL, input=[101, 1037, 102])
    assert tokens.usage.prompt_tokens == 3 and len(tokens.data) == 1, tokens.usage


@check("openai embeddings asynchronous", "pooling")
def _():
    async def several():
        async with openai.AsyncOpenAI(base_url=BASE + "/v1", api_key="none", max_retries=0) as client:
            return await asyncio.gather(*(client.embeddings.create(model=MODEL, input=text) for text in TEXTS * 4))
    answers = [a.data[0].embedding for a in asyncio.run(several())]
    assert all(math.isclose(a, b, abs_tol=1e-5) for first, again in zip(answers[:3], answers[3:6]) for a, b in zip(first, again))


@check("openai embeddings errors", "pooling")
def _():
    create = oa.embeddings.create
    bad = raised(openai.BadRequestError, lambda: create(model=MODEL, input="x", dimensions=64))
    assert bad.type == "BadRequestError" and "matryoshka" in bad.message.lower(), bad.body
    missing = raised(openai.NotFoundError, lambda: create(model="nope", input="x"))
    assert missing.param is None and missing.type == "NotFoundError", missing.body
    raised(openai.BadRequestError, lambda: create(model=MODEL, input="word " * 2000))
    raised(openai.BadRequestError, lambda: create(model=MODEL, input=[]))


if __name__ == "__main__":
    report = {}
    for name, run in CHECKS.items():
        try:
            run()
            report[name] = ""
        except Exception:
            report[name] = traceback.format_exc()[-1500:]
    print(json.dumps(report, indent=1))
