"""Does what README.md tells people who want their MCP server to report: a coordinator, a key, and a server beside it, first
one of their own and then MCS itself.

Usage: report_session.py COORDINATOR REPORTER STDIO, the examples of these names.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

PATIENCE = 30
CALLS = [
    ("fahrenheit", {"celsius": 20}, "COMPLETED"),
    ("fahrenheit", {"celsius": -300}, "FAILED"),
    ("celsius", {}, "FAILED"),
]


OWN_CALLS = [("create_task", {"prompt": "hello"}, "COMPLETED"), ("create_task", {"promt": "hello"}, "FAILED")]
CONFIGURATION = """
[mcp]
mcp_id = "tasks"
name = "Tasks"
version = "1.0.0"

[interaction_logging]
enable_interaction_logging = true
coordinator_url = "{url}"
coordinator_api_key = "{key}"
retry_delay = 0.5
local_cache_path = "{folder}/tasks.db"
"""


def messages(calls: list[tuple]) -> str:
    """What a client writes."""
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "session", "version": "1"}}
    messages = [{"id": 0, "method": "initialize", "params": hello}, {"method": "notifications/initialized"}]
    for number, (tool, arguments, _) in enumerate(calls, start=1):
        messages.append({"id": number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
    return "".join(json.dumps({"jsonrpc": "2.0"} | message) + "\n" for message in messages)


def serve(command: list[str], environment: dict[str, str], calls: list[tuple]) -> None:
    """One session with a server that reports. Its input is closed once every call is answered."""
    server = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    server.stdin.write(messages(calls))
    server.stdin.flush()
    answers = [json.loads(server.stdout.readline()) for _ in range(len(calls) + 1)]
    assert sorted(answer["id"] for answer in answers) == list(range(len(calls) + 1)), answers
    server.stdin.close()
    assert server.wait(PATIENCE) == 0


def get(url: str, key: str) -> dict:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def key(coordinator: list[str], *arguments: str) -> str:
    made = subprocess.run([*coordinator, "keys", "create", *arguments], capture_output=True, text=True, timeout=PATIENCE)
    assert made.returncode == 0, made
    return made.stdout.strip()


def arrives(url: str, reader: str, mcp_id: str, calls: list[tuple]) -> None:
    """Waits until the coordinator has these calls of a server, as they ended."""
    expected = sorted((tool, status) for tool, _, status in calls)
    until = time.monotonic() + PATIENCE
    while True:
        found = get(f"{url}/interactions?mcp_id={mcp_id}", reader)["interactions"]
        # Attempts of tasks are no calls of a tool.
        ended = sorted((each["tool"], each["status"]) for each in found if each.get("tool"))
        if ended == expected:
            return
        assert time.monotonic() < until, found
        time.sleep(0.1)


def main() -> None:
    coordinator, reporter, stdio = sys.argv[1:]
    folder = Path(tempfile.mkdtemp())
    coordinator = [coordinator, "--db", str(folder / "coordinator.db")]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("COORDINATOR_", "MCS_"))}
    own = clean | {"TMPDIR": str(folder), "COORDINATOR_URL": "http://127.0.0.1:9"}
    own["COORDINATOR_API_KEY"] = key(coordinator, "thermometer")
    tasks, reader = key(coordinator, "tasks"), key(coordinator, "me", "--scope", "read", "--scope", "admin")
    # The first session finds no coordinator. What it reports waits on the disk for the second.
    serve([reporter], own, CALLS)
    running = subprocess.Popen([*coordinator, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        url = running.stdout.readline().strip()
        own["COORDINATOR_URL"] = url.removesuffix("/api/v2")
        serve([reporter], own, CALLS)
        arrives(url, reader, "thermometer", 2 * CALLS)
        configuration = folder / "mcs.toml"
        configuration.write_text(CONFIGURATION.format(url=own["COORDINATOR_URL"], key=tasks, folder=folder))
        server = [stdio, "--db", ":memory:", "--config", str(configuration)]
        serve(server, clean, OWN_CALLS)
        # What was not delivered in the moment that a server has at its end is delivered by the next.
        serve(server, clean, OWN_CALLS)
        arrives(url, reader, "tasks", 2 * OWN_CALLS)
    finally:
        running.send_signal(signal.SIGTERM)
    assert running.wait(PATIENCE) == 0, running.returncode
    print("servers that report, and a coordinator: ok")


main()
