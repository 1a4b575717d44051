"""Calls everything a server of the tests has, with the `mcp` package, and writes down what it did.

Usage: drive.py URL, or drive.py COMMAND. Each line of the output is a call: its method, what it was of, the size of its
arguments, and how it ended: ok, tool_error, error or cancelled.
"""

import asyncio
import json
import os
import random
import sys

import anyio
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError

MODES = ["legacy", "auto", "2026-07-28"]
TOGETHER = 20


def target():
    if sys.argv[1].startswith("http"):
        return sys.argv[1]
    return StdioServerParameters(command=sys.argv[1], env=dict(os.environ))


def size(arguments: dict) -> int:
    return len(json.dumps(arguments, separators=(",", ":"), ensure_ascii=False).encode())


def did(method: str, subject: str, arguments: dict | None, ended: str) -> None:
    print(json.dumps([method, subject, None if arguments is None else size(arguments), ended]))


async def tool(client: Client, name: str, arguments: dict) -> None:
    try:
        result = await client.call_tool(name, arguments)
        ended = "tool_error" if result.is_error else "ok"
    except MCPError:
        ended = "error"
    did("tools/call", name, arguments, ended)


async def cancelled(client: Client) -> None:
    """The server says that it has begun, and only then is it cancelled."""

    async def begun(*_) -> None:
        scope.cancel()

    with anyio.CancelScope() as scope:
        await client.call_tool("wait", {}, progress_callback=begun)
    assert scope.cancelled_caught
    did("tools/call", "wait", {}, "cancelled")


async def prompt(client: Client, name: str, arguments: dict) -> None:
    try:
        await client.get_prompt(name, arguments)
        ended = "ok"
    except MCPError:
        ended = "error"
    did("prompts/get", name, arguments, ended)


async def resource(client: Client, uri: str) -> None:
    try:
        await client.read_resource(uri)
        ended = "ok"
    except MCPError:
        ended = "error"
    did("resources/read", uri, None, ended)


async def drive(client: Client, chance: random.Random) -> None:
    await client.list_tools()
    deeds = [
        lambda: tool(client, "echo", {"dish": "süppe", "plates": [1, 2.5, None, True], "of": {"deep": {}}}),
        lambda: tool(client, "echo", {"dish": "x" * chance.randrange(200_000)}),
        lambda: tool(client, "echo", {}),
        lambda: tool(client, "burn", {"degrees": 300}),
        lambda: tool(client, "refuse", {"dish": "stones"}),
        lambda: tool(client, "no such tool", {}),
        lambda: prompt(client, "menu", {"day": "monday"}),
        lambda: prompt(client, "no such prompt", {}),
        lambda: resource(client, "kitchen://stock/onions"),
        lambda: resource(client, "kitchen://cellar"),
        lambda: cancelled(client),
    ]
    for deed in chance.sample(deeds, len(deeds)):
        await deed()
    await asyncio.gather(*(tool(client, "echo", {"number": number}) for number in range(TOGETHER)))
    # A client that leaves in the middle has cancelled nothing, so it waits for the answer to its last call.
    await tool(client, "echo", {"dish": "the last"})


async def main() -> None:
    for mode in MODES:
        async with Client(target(), mode=mode, cache=None, read_timeout_seconds=60) as client:
            await drive(client, random.Random(mode))


asyncio.run(main())
