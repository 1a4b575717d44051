"""Drives an MCS server over stdio or HTTP with the `mcp` package, in every way it connects.

Usage: drive.py COMMAND [ARGUMENT...], where the command starts a server that keeps its tasks in a file, or drive.py URL.
"""

import asyncio
import os
import sys

from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError

TOOLS = [
    "create_task",
    "get_task_status",
    "list_tasks",
    "get_task_result",
    "wait_for_task",
    "cancel_task",
    "retry_task",
    "respond_to_task",
    "continue_task",
    "execute_task",
    "execute_directory",
    "get_statistics",
]


def server() -> StdioServerParameters | str:
    if sys.argv[1].startswith("http://"):
        return sys.argv[1]
    return StdioServerParameters(command=sys.argv[1], args=sys.argv[2:], env=dict(os.environ))


async def tools(client: Client) -> str:
    """Every tool once, and the mistakes a model makes. Structured content is checked by the package itself."""
    listed = await client.list_tools()
    assert [tool.name for tool in listed.tools] == TOOLS, listed
    created = await client.call_tool("create_task", {"prompt": "hello from python", "tags": ["py"]})
    assert not created.is_error, created
    task_id = created.structured_content["task_id"]
    reports = []

    async def report(progress, total, message):
        reports.append(progress)

    done = await client.call_tool("wait_for_task", {"task_id": task_id}, progress_callback=report)
    assert done.structured_content["status"] == "COMPLETED", done
    assert done.content[0].text == "hello from python", done
    read = await client.call_tool("get_task_result", {"task_id": task_id})
    assert read.content == done.content and read.structured_content == done.structured_content
    status = await client.call_tool("get_task_status", {"task_id": task_id})
    assert status.structured_content["tags"] == ["py"], status
    found = await client.call_tool("list_tasks", {"tag": "py", "limit": 1})
    assert found.structured_content["tasks"][0]["task_id"] == task_id, found
    retried = await client.call_tool("retry_task", {"task_id": task_id})
    assert retried.structured_content["retry_of"] == task_id, retried
    later = await client.call_tool("create_task", {"prompt": "later", "delay_seconds": 3600})
    cancelled = await client.call_tool("cancel_task", {"task_id": later.structured_content["task_id"]})
    assert cancelled.structured_content["status"] == "CANCELLED", cancelled
    statistics = await client.call_tool("get_statistics", {})
    assert statistics.structured_content["statuses"]["CANCELLED"] >= 1, statistics
    assert statistics.structured_content["history"]["kinds"]["prompt"]["completed"] >= 1, statistics
    manual = await client.call_tool("create_task", {"prompt": "by hand", "dispatch": "manual"})
    by_hand = {"task_id": manual.structured_content["task_id"]}
    started = await client.call_tool("execute_task", by_hand)
    assert started.structured_content["attempt"] == 1, started
    done = await client.call_tool("wait_for_task", by_hand)
    assert done.content[0].text == "by hand", done
    for tool, more in [("respond_to_task", {"response": 1}), ("continue_task", {"prompt": "x"})]:
        refused = await client.call_tool(tool, {**by_hand, **more})
        assert refused.is_error, refused
    wrong = await client.call_tool("create_task", {"promt": "x"})
    assert wrong.is_error and "did you mean `prompt`?" in wrong.content[0].text, wrong
    return task_id


async def surroundings(client: Client, task_id: str) -> None:
    """Resources and prompts."""
    resources = (await client.list_resources()).resources
    assert len(resources) == 4, resources
    for resource in resources:
        read = await client.read_resource(str(resource.uri))
        assert read.contents[0].text.startswith("{"), read
    prompts = (await client.list_prompts()).prompts
    assert len(prompts) == 4, prompts
    for prompt in prompts:
        filled = await client.get_prompt(prompt.name, {})
        assert filled.messages, filled
    summary = await client.get_prompt("task_summary", {"task_id": task_id})
    assert task_id in summary.messages[0].content.text, summary
    try:
        await client.read_resource("data://nothing")
    except MCPError as error:
        assert "There is no resource" in error.message, error
    else:
        raise AssertionError("a resource that is not there was read")


async def main() -> None:
    first = None
    for mode, version in [("legacy", "2025-11-25"), ("auto", "2026-07-28"), ("2026-07-28", "2026-07-28")]:
        async with Client(server(), mode=mode, read_timeout_seconds=60) as client:
            assert client.protocol_version == version, (mode, client.protocol_version)
            task_id = await tools(client)
            await surroundings(client, task_id)
            first = first or task_id
            # The first server's task is there for every later one.
            kept = await client.call_tool("get_task_result", {"task_id": first})
            assert kept.content[0].text == "hello from python", kept
        print(f"{mode}: ok on {version}")


asyncio.run(main())
