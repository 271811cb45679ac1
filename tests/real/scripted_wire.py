"""A reply in the bytes of three protocols: chat completions, Responses and Messages, streamed or whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from scripted_script import MODEL, WINDOW, Reply, Served

Tool = tuple[str, str, dict[str, Any]]  # id, name, arguments
Events = Iterator[tuple[str, dict[str, Any]]]
Words = Callable[[Served], list[Tool]]


def overflow(reply: Reply) -> bytes:
    """Return the body of HTTP 400 as llama-server words it."""
    text = f"request ({reply.prompt} tokens) exceeds the available context size ({WINDOW} tokens), try increasing it"
    error = {"code": 400, "message": text, "type": "exceed_context_size_error"}
    return json.dumps({"error": error | {"n_prompt_tokens": reply.prompt, "n_ctx": WINDOW}}).encode()


def chat(item: Served, tools: list[Tool]) -> Events:
    """Yield the chunks of a chat completion; the first holds a token."""
    reply = item.reply
    base = {"id": f"chatcmpl-{id(item)}", "object": "chat.completion.chunk", "created": int(item.came), "model": MODEL}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> tuple[str, dict[str, Any]]:
        return "", base | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": "" if tools else reply.text[:1]})
    if not tools:
        yield chunk({"content": reply.text[1:]})
    for place, (key, name, arguments) in enumerate(tools):
        function = {"name": name, "arguments": json.dumps(arguments)}
        yield chunk({"tool_calls": [{"index": place, "id": key, "type": "function", "function": function}]})
    yield chunk({}, "length" if reply.cut else "tool_calls" if tools else "stop")
    details = {"cached_tokens": reply.cached}
    usage = {"prompt_tokens": reply.prompt, "completion_tokens": reply.output, "prompt_tokens_details": details}
    yield "", base | {"choices": [], "usage": usage | {"total_tokens": reply.prompt + reply.output}}


def chat_whole(item: Served, tools: list[Tool]) -> dict[str, Any]:
    """Return a chat completion that is not streamed."""
    calls = [
        {"id": key, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for key, name, arguments in tools
    ]
    message = {"role": "assistant", "content": item.reply.text} | ({"tool_calls": calls} if calls else {})
    last = list(chat(item, tools))[-1][1]
    finish = "tool_calls" if tools else "stop"
    return last | {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": finish}]}


def responses(item: Served, tools: list[Tool]) -> Events:
    """Yield the events of OpenAI's Responses."""
    reply, key = item.reply, f"resp_{id(item)}"
    response = {"id": key, "object": "response", "model": MODEL, "status": "in_progress", "output": []}
    yield "response.created", {"response": response}
    items = [_function(*tool) for tool in tools] or [_message(f"msg_{id(item)}", reply.text)]
    for place, output in enumerate(items):
        yield "response.output_item.added", {"output_index": place, "item": output | {"status": "in_progress"}}
        if output["type"] == "message":
            text = {"item_id": output["id"], "output_index": place, "content_index": 0, "delta": reply.text}
            yield "response.output_text.delta", text
        yield "response.output_item.done", {"output_index": place, "item": output}
    usage = {
        "input_tokens": reply.prompt, "input_tokens_details": {"cached_tokens": reply.cached},
        "output_tokens": reply.output, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": reply.prompt + reply.output,
    }  # fmt: skip
    if reply.cut:
        why = {"incomplete_details": {"reason": "max_output_tokens"}}
        yield "response.incomplete", {"response": response | why | {"status": "incomplete", "usage": usage}}
        return
    yield "response.completed", {"response": response | {"status": "completed", "output": items, "usage": usage}}


def _function(key: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    call = {"type": "function_call", "id": f"fc_{key}", "call_id": key, "name": name}
    return call | {"arguments": json.dumps(arguments), "status": "completed"}


def _message(key: str, text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": key, "role": "assistant", "status": "completed", "content": content}


def messages(item: Served, tools: list[Tool]) -> Events:
    """Yield the events of Anthropic's Messages."""
    reply = item.reply
    begun = _usage(reply) | {"output_tokens": 1}
    message = {"id": f"msg_{id(item)}", "type": "message", "role": "assistant", "model": MODEL, "content": []}
    yield "message_start", {"message": message | {"stop_reason": None, "stop_sequence": None, "usage": begun}}
    for place, (start, delta) in enumerate([_tool_block(*tool) for tool in tools] or [_text_block(reply.text)]):
        yield "content_block_start", {"index": place, "content_block": start}
        yield "content_block_delta", {"index": place, "delta": delta}
        yield "content_block_stop", {"index": place}
    yield (
        "message_delta",
        {"delta": {"stop_reason": _stop(reply, tools), "stop_sequence": None}, "usage": _usage(reply)},
    )
    yield "message_stop", {}


def messages_whole(item: Served, tools: list[Tool]) -> dict[str, Any]:
    """Return a message that is not streamed."""
    content: list[dict[str, Any]] = [
        {"type": "tool_use", "id": key, "name": name, "input": arguments} for key, name, arguments in tools
    ]
    message = {"id": f"msg_{id(item)}", "type": "message", "role": "assistant", "model": MODEL}
    content = content or [{"type": "text", "text": item.reply.text}]
    return message | {"content": content, "stop_reason": _stop(item.reply, tools), "usage": _usage(item.reply)}


def _stop(reply: Reply, tools: list[Tool]) -> str:
    return "max_tokens" if reply.cut else "tool_use" if tools else "end_turn"


def _usage(reply: Reply) -> dict[str, int]:
    fresh = {"input_tokens": reply.prompt - reply.cached, "cache_creation_input_tokens": 0}
    return fresh | {"cache_read_input_tokens": reply.cached, "output_tokens": reply.output}


def _tool_block(key: str, name: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    start = {"type": "tool_use", "id": key, "name": name, "input": {}}
    return start, {"type": "input_json_delta", "partial_json": json.dumps(arguments)}


def _text_block(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"type": "text", "text": ""}, {"type": "text_delta", "text": text}
