"""Records the structural tags vLLM builds for calls, as fixtures for packages/text/src/structural-tag.

    ~/.cache/vllm-router/real-vllm/venv/bin/python tools/record-parsers/record_tags.py

One tag per model key, tool_choice, strictness and parallel_tool_calls, over the tools of tools.json (the second one strict).
"""

import json
import logging
import os
from pathlib import Path

os.environ.setdefault("VLLM_LOGGING_LEVEL", "CRITICAL")

import vllm.parser.harmony  # noqa: E402, F401  registers its tag
from vllm import __version__  # noqa: E402
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest  # noqa: E402
from vllm.tool_parsers.structural_tag_registry import (  # noqa: E402
    get_model_structural_tag,
    limit_to_single_tool_call,
)
from vllm.tool_parsers.tool_strict_level import ToolStrictLevel  # noqa: E402

HERE = Path(__file__).resolve().parent
FIXTURE = HERE.parent.parent / "packages/text/src/structural-tag/__fixtures__/structural-tags.json"
MODELS = [
    "hermes", "qwen_3_coder", "mimo", "glm_4_7", "minimax", "kimi", "llama", "deepseek_r1", "deepseek_v3_1", "harmony",
]
NAMED = {"type": "function", "function": {"name": "add"}}


def main():
    logging.disable(logging.CRITICAL)
    tools = json.loads((HERE / "tools.json").read_text())
    tools[1]["function"]["strict"] = True
    lines = []
    # Many cases share a tag: a case names it by its place in the list.
    tags = {}
    for model in MODELS:
        for choice in ("auto", "required", NAMED):
            for level in ToolStrictLevel:
                for single in (False, True):
                    request = ChatCompletionRequest.model_validate({
                        "model": "m", "messages": [{"role": "user", "content": "x"}], "tools": tools, "tool_choice": choice,
                    })
                    try:
                        tag = get_model_structural_tag(
                            model=model, tools=request.tools, tool_choice=request.tool_choice, reasoning=False,
                            strict_level=level,
                        )
                    except ValueError as error:
                        print(model, error)
                        continue
                    if tag is not None and single:
                        limit_to_single_tool_call(tag)
                    lines.append(json.dumps({
                        "model": model, "choice": choice, "level": level.name.lower(), "single": single,
                        "tag": None if tag is None else tags.setdefault(json.dumps(tag.model_dump()), len(tags)),
                    }))
    FIXTURE.parent.mkdir(parents=True, exist_ok=True)
    source = f"vLLM {__version__}, tools/record-parsers/record_tags.py"
    listed = ",\n".join(json.dumps(tag, ensure_ascii=False) for tag in tags)
    cases = ",\n".join(lines)
    FIXTURE.write_text(f'{{"source": {json.dumps(source)}, "tags": [\n{listed}\n], "cases": [\n{cases}\n]}}\n')
    print(f"{len(lines)} cases, {FIXTURE.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
