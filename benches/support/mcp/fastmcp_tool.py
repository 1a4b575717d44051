"""The tool of the benchmark as fastmcp's tasks serve it, in memory. Prints where, and ends when its input does."""

import socket
import sys
import threading

import uvicorn
from fastmcp import FastMCP
from fastmcp_tasks import TasksExtension

server = FastMCP("bench")
server.add_extension(TasksExtension(concurrency=64))


@server.tool(task=True)
async def noop() -> str:
    return "done"


app = server.http_app(path="/mcp", stateless_http=True, json_response=True)
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(256)
running = uvicorn.Server(uvicorn.Config(app, log_level="warning"))


def end():
    sys.stdin.read()
    running.should_exit = True


threading.Thread(target=end, daemon=True).start()
print("{}:{}".format(*listener.getsockname()), flush=True)
running.run(sockets=[listener])
