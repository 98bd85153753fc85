"""Chat requests that every template is rendered with: the fields of the body that matter to a prompt."""

WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "Weather of\na city", "parameters": {"type": "object", "properties": {"city": {"type": "string", "enum": ["Paris", "Oslo"], "description": "The \u201ccity\u201d"}, "days": {"type": "integer", "default": 3}, "ratio": {"type": "number", "default": 1.0, "maximum": 1e20}, "tags": {"type": "array", "items": {"type": "string"}}}, "required": ["city"], "additionalProperties": False}}}
ADD = {"function": {"parameters": {"type": "object", "properties": {"2": {"type": "integer"}, "1": {"type": "integer"}, "o": {"type": "object", "properties": {"x": {"type": "string", "default": "q"}}}}}, "name": "add", "strict": True, "extra": 1}, "type": "function"}
BARE = {"type": "function", "function": {"name": "now"}}


def user(content):
    return {"role": "user", "content": content}


def system(content):
    return {"role": "system", "content": content}


def assistant(content, **fields):
    return {"role": "assistant", "content": content, **fields}


def call(identifier, name, arguments):
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def result(identifier, content):
    return {"role": "tool", "tool_call_id": identifier, "content": content}


TURN = [user("What is 1+1?"), assistant("2"), user("And 2+2?")]
CALLS = [call("abcdefgh1", "get_weather", '{"city": "Paris", "days": 2, "ratio": 1.0, "n": null, "b": true, "big": 12345678901234567890, "u": "\u00e9\u2028", "10": [1, 2.50, {}], "2": {}}')]
TOOL_HISTORY = [user("Weather?"), assistant(None, tool_calls=CALLS), result("abcdefgh1", '{"temperature": 20}'), assistant("20 degrees."), user("Thanks, and Oslo?")]
THINK = "<think>\nHm, <b>two</b>.\n</think>\n\n4"

REQUESTS = [
    {"messages": [user("Hello")]},
    {"messages": [system("Be brief."), user("Hello")]},
    {"messages": [system("Be brief."), *TURN]},
    {"messages": TURN, "add_generation_prompt": False},
    {"messages": [user("  spaces \n"), assistant(" padded "), user("\n\nx\n")]},
    {"messages": [user("")]},
    {"messages": [user("\u4f60\u597d \u0645\u0631\u062d\u0628\u0627 \U0001f600\u200d\U0001f467 e\u0301 \ufeff\u00a0\u2028")]},
    {"messages": [user("<|im_start|>{{ x }}{% if %}{# #}<|im_end|>")]},
    {"messages": [user("a\r\nb\tc\\n")]},
    {"messages": [user("Hi")], "tools": [WEATHER]},
    {"messages": [system("Be brief."), user("Hi")], "tools": [WEATHER, ADD, BARE]},
    {"messages": TOOL_HISTORY, "tools": [WEATHER]},
    {"messages": TOOL_HISTORY[:3], "tools": [WEATHER, ADD]},
    {"messages": [*TOOL_HISTORY[:1], assistant("Let me look.", tool_calls=[*CALLS, call("abcdefgh2", "add", "")]), result("abcdefgh1", "rain"), result("abcdefgh2", [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])], "tools": [WEATHER, ADD]},
    {"messages": [user("x"), assistant("", tool_calls=[call("bad", "f", "{not json")]), result("bad", "")]},
    {"messages": [user("x"), assistant("", tool_calls=[call("abcdefghi", "f", "[1]")])]},
    {"messages": [user("x"), assistant("y", tool_calls=[])]},
    {"messages": [user("x"), {"role": "assistant", "tool_calls": [{"index": 0, "type": "function", "function": {"name": "f", "arguments": "{}", "extra": 1}, "id": "abcdefghi"}]}, result("abcdefghi", "ok")]},
    {"messages": [user("x"), assistant(THINK), user("y")]},
    {"messages": [user("x"), assistant(THINK)], "add_generation_prompt": False},
    {"messages": [user("x"), assistant("4", reasoning="Let me think.\n"), user("y")]},
    {"messages": [user("x"), assistant("4", reasoning_content="Old name.")], "add_generation_prompt": False},
    {"messages": [user("x")], "chat_template_kwargs": {"enable_thinking": False}},
    {"messages": [user("x")], "chat_template_kwargs": {"enable_thinking": None, "unknown": 1, "add_generation_prompt": False}},
    {"messages": [user("x")], "chat_template_kwargs": {"thinking": True, "enable_thinking": "auto", "bos_token": "<BOS>", "date_string": "today", "tools_in_user_message": False}},
    {"messages": [user("x")], "reasoning_effort": "none"},
    {"messages": [user("x")], "reasoning_effort": "high"},
    {"messages": [user("x")], "reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": False}},
    {"messages": [user("x")], "documents": [{"title": "one two", "text": "first document text that is long"}, {"text": "second"}]},
    {"messages": [{"role": "developer", "content": "Dev."}, user("x")]},
    {"messages": [system("Sys."), {"role": "developer", "content": "Dev."}, user("x")]},
    {"messages": [user("x"), {"role": "developer", "content": [{"type": "text", "text": "Dev."}]}, system("Late."), user("y")]},
    {"messages": [{"role": "developer", "content": "D", "tools": [BARE]}, user("x")]},
    {"messages": [system("One."), system("Two."), user("x")]},
    {"messages": [user("x"), system("Late.")]},
    {"messages": [user("x"), user("y")]},
    {"messages": [assistant("first")]},
    {"messages": [{"role": "critic", "content": "c", "name": "n", "extra": 1}, user("x")]},
    {"messages": [{"role": "user", "content": "x", "name": "Bob", "task": "t"}]},
    {"messages": [user([{"type": "text", "text": "a"}, {"type": "text", "text": ""}, {"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}}])]},
    {"messages": [user([])]},
    {"messages": [user("x"), assistant([{"type": "text", "text": "t"}, {"type": "refusal", "refusal": "no"}])]},
    {"messages": [user([{"type": "thinking", "thinking": "hm"}, {"type": "input_text", "text": "in"}])]},
    {"messages": [user("x"), assistant([{"type": "thinking", "thinking": "hm", "closed": True}, {"type": "output_text", "text": "out"}])]},
    {"messages": [user("x"), assistant(None, tool_calls=CALLS), {"role": "tool", "tool_call_id": "abcdefgh1", "content": [{"type": "tool_reference", "name": "now"}]}]},
    {"messages": [system("x-anthropic-billing-header: cch=1\nBe brief."), user("x")]},
    {"messages": [system([{"type": "text", "text": "x-anthropic-billing-header: cch=1"}, {"type": "text", "text": "Be brief."}]), user("x")]},
    {"messages": []},
    {"messages": [user("x"), assistant("The capital of")], "add_generation_prompt": False, "continue_final_message": True},
    {"messages": [user("x"), assistant("ends with space ")], "add_generation_prompt": False, "continue_final_message": True},
    {"messages": [user("x"), assistant([{"type": "text", "text": "part"}])], "add_generation_prompt": False, "continue_final_message": True},
    {"messages": [user("x"), assistant("")], "add_generation_prompt": False, "continue_final_message": True},
    {"messages": [user("x"), assistant(THINK)], "add_generation_prompt": False, "continue_final_message": True},
    {"messages": [user("x"), assistant(None, tool_calls=CALLS)], "add_generation_prompt": False, "continue_final_message": True},
    {"messages": [user("x"), assistant("y")], "continue_final_message": True},
    {"messages": [user("x")], "add_generation_prompt": False, "continue_final_message": True},
    {"messages": [user("x")], "chat_template_kwargs": {"messages": []}},
    {"messages": [user("x")], "chat_template_kwargs": {"tools": [BARE]}},
    {"messages": [user([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}])]},
    {"messages": [user([{"type": "text", "text": "a"}, {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}])]},
    {"messages": [user([{"type": "video_url", "video_url": {"url": "x"}}])]},
    {"messages": [user([{"type": "image_embeds", "image_embeds": "AA=="}])]},
    {"messages": [user([{"type": "prompt_embeds", "data": "AA=="}])]},
]

#: Messages that no OpenAI client sends but the request model lets through to the template.
RAW_MESSAGES = [
    [{"role": "user", "content": [{"type": "nosuch", "x": 1}]}],
    [{"role": "user", "content": [{"text": "no type"}]}],
    [{"role": "user", "content": [{"type": 5, "text": "x"}]}],
    [{"role": "user", "content": [{"type": "text"}]}],
    [{"role": "user", "content": [{"type": "text", "text": None}, "plain", ""]}],
    [{"role": "user", "content": [{"image_url": "x"}]}],
    [{"role": "user", "content": [{"audio_url": {"url": "x"}, "uuid": "u", "type": "audio_url"}]}],
    [{"role": "user", "content": [{"type": "text", "text": "x", "uuid": "u"}]}],
    [{"role": "user", "content": [{"tool_reference": "x", "name": "n"}]}],
    [{"role": "user", "content": [{"type": "input_image", "detail": "auto", "image_url": "x"}]}],
    [{"role": "assistant", "content": "x", "tool_calls": ["a"]}],
    [{"role": "assistant", "content": "x", "tool_calls": [{"type": "custom", "custom": {}}]}],
    [{"role": "assistant", "content": "x", "tool_calls": [{"function": {"name": "f"}}]}],
    [{"role": "assistant", "content": "x", "tool_calls": [{"function": {"arguments": {"a": 1}, "name": "f"}}]}],
    [{"role": "assistant", "content": "x", "tool_calls": [{"function": {"arguments": "NaN", "name": "f"}}, {"function": {"arguments": " {\"a\": NaN, \"b\": -Infinity, \"c\": 1E5, \"a\": \"\\ud83d\\ude00\\/\"} ", "name": "g"}}]}],
    [{"role": "assistant", "tool_calls": None, "reasoning": None}],
    [{"role": "tool", "content": None}],
]
