"""Records the prompts that vLLM makes of chats with gpt-oss, as fixtures for packages/text/src/harmony.

    ~/.cache/vllm-router/real-vllm/venv/bin/python tools/record-parsers/record_harmony.py

Reads harmony-conversations.json (chat requests) and writes the token ids, or the error, of each.
"""

import json
import logging
import os
from pathlib import Path

os.environ["VLLM_SYSTEM_START_DATE"] = "2026-11-27"
os.environ.setdefault("VLLM_LOGGING_LEVEL", "CRITICAL")

from vllm import __version__  # noqa: E402
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest  # noqa: E402
from vllm.entrypoints.openai.parser import harmony_utils as harmony  # noqa: E402
from vllm.exceptions import VLLMValidationError  # noqa: E402
from vllm.renderers import online_renderer  # noqa: E402

HERE = Path(__file__).resolve().parent
FIXTURE = HERE.parent.parent / "packages/text/src/harmony/__fixtures__/conversations.json"


def render(body):
    request = ChatCompletionRequest(model="m", **body)
    online_renderer._mt.maybe_serialize_tool_calls(request)
    instructions, rest = harmony.extract_instructions_from_messages(list(request.messages))
    messages = harmony.build_harmony_preamble(
        instructions=instructions,
        tools=request.tools,
        reasoning_effort=request.reasoning_effort,
        with_custom_tools=request.tools is not None,
    )
    messages.extend(harmony.parse_chat_inputs_to_harmony_messages(rest))
    return harmony.render_for_completion(messages)


def main():
    logging.disable(logging.CRITICAL)
    lines = []
    for case in json.loads((HERE / "harmony-conversations.json").read_text()):
        try:
            result = {"ids": render(case["request"])}
        except VLLMValidationError as error:
            result = {"error": str(error).removesuffix(" (parameter=reasoning_effort)")}
        lines.append(json.dumps({**case, **result}, ensure_ascii=False, separators=(",", ":")))
    source = json.dumps(f"vLLM {__version__}, tools/record-parsers/record_harmony.py")
    FIXTURE.parent.mkdir(exist_ok=True)
    FIXTURE.write_text('{"source": ' + source + ', "cases": [\n' + ",\n".join(lines) + "\n]}\n")


if __name__ == "__main__":
    main()
