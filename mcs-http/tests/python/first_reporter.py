"""Reports calls in the format of the first reporters: three routes, no event ids, every send tried again at will.

usage: COORDINATOR_API_KEY=KEY first_reporter.py URL

Prints what it did: for each interaction what a coordinator must show of it.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

URL = sys.argv[1].rstrip("/")
KEY = os.environ["COORDINATOR_API_KEY"]
MCP = "your_mcp_001"


def ask(method, path, body=None, key=KEY):
    """The status of an answer and its JSON."""
    headers = {"Authorization": f"Bearer {key}"}
    data = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def send(action, interaction, field, data, times=1):
    """Sends one event, and again as if the answers had been lost."""
    event = {
        "action": f"interaction_{action}",
        "interaction_id": interaction,
        "mcp_id": MCP,
        "timestamp": time.time(),
        field: data,
    }
    for _ in range(times):
        status, answer = ask("POST", "/api/v2/interactions", event)
        assert status == 200, (status, answer)
    return 1


def serve(number):
    """One call and what it must be shown as."""
    interaction = f"int_{int(time.time())}_{uuid.uuid4().hex[:8]}"
    shown = {"user_id": f"user-{number}", "request_type": "search", "error_type": None}
    request = {"user_id": shown["user_id"], "request_type": "search", "input_size": 20, "parameters": {"q": "Grüße 🌊"}}
    events = send("start", interaction, "request_data", request, times=1 + number % 3)
    if number % 2:
        for step in range(number % 4):
            events += send("progress", interaction, "progress_data", {"step": step})
    if number % 4 == 3:
        shown |= {"status": "IN_PROGRESS"}
    elif number % 3 == 0:
        error = {"error_type": "ValueError", "error_message": "no such place", "error_code": None}
        events += send("error", interaction, "error_data", error, times=2)
        shown |= {"status": "FAILED", "error_type": "ValueError"}
    else:
        result = {"success": True, "output_size": 99, "processing_time": 0.25, "quality_score": None, "adapter_used": "a"}
        events += send("complete", interaction, "result_data", result, times=2)
        shown |= {"status": "COMPLETED"}
    return interaction, shown | {"events": events}


def main():
    status, answer = ask("GET", "/api/v2/health")
    assert status == 200, (status, answer)
    status, answer = ask("POST", "/api/v2/validate")
    assert status == 200 and answer["mcp_id"] == MCP, (status, answer)
    status, answer = ask("POST", "/api/v2/validate", key="test_key")
    assert status == 401, (status, answer)
    other = {"action": "interaction_start", "interaction_id": "x", "mcp_id": "another", "timestamp": time.time()}
    status, answer = ask("POST", "/api/v2/interactions", other)
    assert status == 403, (status, answer)
    # Python writes what JSON does not have.
    broken = {"action": "interaction_start", "interaction_id": "x", "mcp_id": MCP, "timestamp": float("nan")}
    status, answer = ask("POST", "/api/v2/interactions", broken)
    assert status == 400, (status, answer)
    print(json.dumps(dict(serve(number) for number in range(12))))


main()
