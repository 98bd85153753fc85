"""Valid bodies to start from, by route: what the schema alone would rarely hit. `$MODEL` stands for the model's name."""

USER = [{"role": "user", "content": "Say hi."}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{\"a\": 1}"}}
TALK = [{"role": "system", "content": "Be short."}, {"role": "user", "content": [{"type": "text", "text": "2+2?"}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "4"}, {"role": "user", "content": "So?"}]
PARAMETERS = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
TOOL = {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": PARAMETERS}}
FLAT_TOOL = {"type": "function", "name": "add", "description": "Adds.", "parameters": PARAMETERS, "strict": False}
CLAUDE_TOOL = {"name": "add", "description": "Adds.", "input_schema": PARAMETERS}
FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {"a": {"enum": [1]}}, "required": ["a"], "additionalProperties": False}}}
QUIET = {"enable_thinking": False}
SHORT = {"max_tokens": 4, "temperature": 0}
PARAMS = {"max_tokens": 4, "temperature": 0.0}

_CHAT = [
    {"model": "$MODEL", "messages": USER, **SHORT},
    {"model": "$MODEL", "messages": USER, **SHORT, "stream": True, "stream_options": {"include_usage": True}},
    {"model": "$MODEL", "messages": TALK, **SHORT, "chat_template_kwargs": QUIET, "tools": [TOOL]},
    {"model": "$MODEL", "messages": USER, **SHORT, "logprobs": True, "top_logprobs": 2},
    {"messages": TALK, "max_completion_tokens": 3, "temperature": 0, "stop": ["x", "y"], "n": 2},
    {"model": "$MODEL", "messages": USER, **SHORT, "tools": [TOOL], "tool_choice": "required", "chat_template_kwargs": QUIET},
    {"model": "$MODEL", "messages": USER, "max_tokens": 12, "temperature": 0, "response_format": FORMAT, "chat_template_kwargs": QUIET},
    {"model": "$MODEL", "messages": USER, **SHORT, "tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "add"}}},
]
_COMPLETION = [
    {"model": "$MODEL", "prompt": "Once upon", **SHORT},
    {"model": "$MODEL", "prompt": ["a b", "c"], **SHORT, "logprobs": 1, "echo": True},
    {"model": "$MODEL", "prompt": [9707, 11, 1879], **SHORT, "stream": True, "stream_options": {"include_usage": True}},
    {"prompt": [[9707], [1879, 0]], **SHORT, "n": 2, "stop": "q"},
    {"model": "$MODEL", "prompt": "1, 2,", "max_tokens": 6, "temperature": 0, "structured_outputs": {"choice": ["yes", "no"]}},
    {"model": "$MODEL", "prompt": "So", **SHORT, "prompt_logprobs": 1, "return_token_ids": True},
]
_RESPONSES = [
    {"model": "$MODEL", "input": "Say hi.", "max_output_tokens": 4, "temperature": 0},
    {"model": "$MODEL", "input": [{"role": "user", "content": "Hi"}, {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}], "max_output_tokens": 4, "temperature": 0, "stream": True},
    {"model": "$MODEL", "input": "2+2?", "instructions": "Be short.", "tools": [FLAT_TOOL], "max_output_tokens": 4, "temperature": 0},
    {"model": "$MODEL", "input": [{"role": "user", "content": "add"}, {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{\"a\": 1}"}, {"type": "function_call_output", "call_id": "c1", "output": "1"}], "max_output_tokens": 4, "temperature": 0, "store": False},
    {"model": "$MODEL", "input": "j", "max_output_tokens": 8, "temperature": 0, "chat_template_kwargs": QUIET, "text": {"format": {"type": "json_schema", "name": "n", "schema": FORMAT["json_schema"]["schema"]}}},
    {"model": "$MODEL", "input": "r", "max_output_tokens": 4, "temperature": 0, "reasoning": {"effort": "low"}, "include": ["message.output_text.logprobs"], "top_logprobs": 1},
]
_MESSAGES = [
    {"model": "$MODEL", "max_tokens": 4, "temperature": 0, "messages": USER},
    {"model": "$MODEL", "max_tokens": 4, "temperature": 0, "messages": USER, "stream": True, "system": "Be short."},
    {"model": "$MODEL", "max_tokens": 4, "temperature": 0, "system": [{"type": "text", "text": "Be short."}], "tools": [CLAUDE_TOOL], "tool_choice": {"type": "auto"},
     "messages": [{"role": "user", "content": [{"type": "text", "text": "add"}]}, {"role": "assistant", "content": [{"type": "text", "text": "ok"}, {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}}]},
                  {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "1"}, {"type": "text", "text": "and?"}]}]},
    {"model": "$MODEL", "max_tokens": 5, "temperature": 0, "messages": USER, "stop_sequences": ["z"], "thinking": {"type": "enabled", "budget_tokens": 1024}, "top_k": 5, "top_p": 0.9},
]
_COUNT = [{k: v for k, v in body.items() if k in ("model", "messages", "system", "tools", "tool_choice", "thinking")} for body in _MESSAGES]
_TOKENIZE = [
    {"model": "$MODEL", "prompt": "Hello wörld 🙂"}, {"prompt": "Hello", "add_special_tokens": False, "return_token_strs": True},
    {"model": "$MODEL", "messages": TALK, "tools": [TOOL]}, {"messages": USER, "add_generation_prompt": False, "continue_final_message": False, "chat_template_kwargs": QUIET},
]
_GENERATE = [
    {"model": "$MODEL", "token_ids": [9707, 11, 1879], "sampling_params": PARAMS},
    {"token_ids": [9707], "sampling_params": {**PARAMS, "n": 2, "logprobs": 1}, "stream": True, "stream_options": {"include_usage": True}},
    {"token_ids": [9707, 1], "sampling_params": {**PARAMS, "stop": ["x"], "prompt_logprobs": 1}, "output_mode": "text"},
]
_SCORING = [{"model": "$MODEL", "query": "Is it ", "items": ["good", "bad"], "label_token_ids": [9834, 2152]},
            {"query": [1, 2], "items": [[3], [4, 5]], "label_token_ids": [5, 6], "apply_softmax": False}]
_DECISION = [
    {"model": "$MODEL", "state": {"weather": "rain"}, "questions": {"umbrella": {"type": "choice", "options": ["yes", "no"]}}},
    {"model": "$MODEL", "state": "It rains.", "questions": {"wet": {"type": "score"}}, "instructions": "Decide."},
]
_BATCH = [{"model": "$MODEL", "messages": [USER, TALK[:2]], **SHORT}, {"messages": [USER], **SHORT, "logprobs": True, "top_logprobs": 1}]

GENERATING = {
    "/v1/chat/completions": _CHAT, "/v1/completions": _COMPLETION, "/v1/responses": _RESPONSES, "/v1/messages": _MESSAGES,
    "/v1/messages/count_tokens": _COUNT, "/tokenize": _TOKENIZE, "/detokenize": [{"model": "$MODEL", "tokens": [9707, 11, 1879]}],
    "/inference/v1/generate": _GENERATE, "/v1/chat/completions/render": _CHAT, "/v1/completions/render": _COMPLETION,
    "/v1/messages/render": _MESSAGES, "/v1/responses/render": _RESPONSES, "/generative_scoring": _SCORING,
    "/v1/systemone": _DECISION, "/v1/chat/completions/batch": _BATCH, "/invocations": _CHAT[:3] + _COMPLETION[:2],
}

TEXTS = ["A man is eating food.", "A girl carries a baby."]
_EMBED = [{"model": "$MODEL", "input": TEXTS[0]}, {"model": "$MODEL", "input": TEXTS, "encoding_format": "base64"}, {"input": [101, 1037, 102]},
          {"model": "$MODEL", "messages": USER, "embed_dtype": "float16", "encoding_format": "base64", "endianness": "big"}]
_SCORE = [{"model": "$MODEL", "text_1": TEXTS[0], "text_2": TEXTS}, {"queries": TEXTS[0], "documents": TEXTS, "truncate_prompt_tokens": 8}]
_RERANK = [{"model": "$MODEL", "query": TEXTS[0], "documents": TEXTS, "top_n": 1}, {"query": "a", "documents": ["b", "c"], "return_documents": True}]
_POOL = [{"model": "$MODEL", "input": TEXTS[0], "task": "embed"}, {"model": "$MODEL", "input": TEXTS, "encoding_format": "base64", "task": "token_embed"}, {"input": "x", "task": "embed", "encoding_format": "bytes"}]

POOLING = {
    "/v1/embeddings": _EMBED, "/pooling": _POOL, "/score": _SCORE, "/v1/score": _SCORE, "/rerank": _RERANK, "/v1/rerank": _RERANK, "/v2/rerank": _RERANK,
    "/v2/embed": [{"model": "$MODEL", "input_type": "search_document", "texts": TEXTS, "embedding_types": ["float"]}, {"model": "$MODEL", "texts": ["x"], "truncate": "END"}],
    "/tokenize": _TOKENIZE[:2] + _TOKENIZE[3:], "/detokenize": [{"model": "$MODEL", "tokens": [101, 1037, 102]}],
    "/invocations": _EMBED[:2] + _RERANK[:1] + _SCORE[:1],
}
