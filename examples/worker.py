"""A worker in Python: takes tasks over HTTP and runs a program for each. python3 worker.py --kind resize -- ./resize.sh
The program reads the payload from its standard input. Lines of its standard error are told as progress ("50% half way"),
and what it prints is the result. It ends with 0 when all is well, and with 65 when trying again is of no use. A token
belongs into MCS_TOKEN, which the program does not see. SIGTERM and Ctrl-C hand back what runs."""
import argparse, contextlib, http.client, json, os, re, signal, socket, subprocess, tempfile, threading, time
from urllib import error, parse, request
flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--url", default="http://127.0.0.1:8080", help="where MCS is")
for what in ["kind", "queue"]: flags.add_argument(f"--{what}", help=f"take tasks of this {what} only")
flags.add_argument("--lease", type=float, default=30, help="seconds until others take over from a worker that is gone")
flags.add_argument("program", nargs="+")
flags, stopping, running, token = flags.parse_args(), threading.Event(), None, os.environ.pop("MCS_TOKEN", "")

def call(method, path, body=None):
    """The JSON of an answer. A server that is away or busy is asked again; one that refuses is an HTTPError."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    url, data = f"{flags.url}/api/v1/tasks/{path}", body and json.dumps(body).encode()
    while True:
        try:
            with request.urlopen(request.Request(url, data, headers, method=method), timeout=60) as answer:
                return json.loads(answer.read() or "null")
        except (OSError, http.client.HTTPException) as failed:
            if stopping.is_set() or getattr(failed, "code", 500) in range(400, 500) and failed.code != 429:
                raise
        time.sleep(1)

def end(how=signal.SIGTERM):
    if running and running.poll() is None:
        os.killpg(running.pid, how)

def keep(path, lease, late, why, done):
    """Renews the lease until the work is done. Ends work that is cancelled, late, or that somebody else has by now."""
    while not done.wait(min(flags.lease / 3, max(0.1, late - time.monotonic()))):
        end(signal.SIGKILL if why or stopping.is_set() else 0)  # It was asked before, and did not end.
        try:
            beat = call("POST", f"{path}/heartbeat", lease | {"lease_seconds": flags.lease})
            why.update({"cancelled"} if beat["cancel_requested"] else {"late"} if time.monotonic() > late else ())
        except OSError:
            why.add("lost")
        end(signal.SIGTERM if why else 0)

def work(task):
    global running
    path, lease, why, done, said = task["id"], {"lease": task["lease"]["number"]}, set(), threading.Event(), ""
    late = time.monotonic() + task.get("timeout_seconds", 1e9)
    with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+", errors="replace") as printed:
        print(json.dumps(task["payload"]), file=given, flush=True)
        given.seek(0)
        running = subprocess.Popen(flags.program, stdin=given, stdout=printed, stderr=subprocess.PIPE, text=True,
                                   errors="replace", start_new_session=True)
        threading.Thread(target=keep, args=(path, lease, late, why, done), daemon=True).start()
        try:
            for line in running.stderr:
                percent, said = re.match(r"(?:(\d\d?|100)%)?\s*(.*)", line.replace("\0", "").strip()[:1000]).groups()
                call("POST", f"{path}/progress", lease | {"percent": percent and int(percent), "message": said})
            code, _ = running.wait(), printed.seek(0)
            how = "complete" if code == 0 else "release" if stopping.is_set() or "cancelled" in why else "fail"
            results = {"complete": {"text": printed.read()}, "release": {},
                       "fail": {"message": f"{flags.program[0]} ended with {code}: {said}", "retryable": code != 65}}
            print(path, call("POST", f"{path}/{how}", lease | results[how])["status"], flush=True)
        except OSError as lost:
            print(path, lost, flush=True)
            if getattr(lost, "code", 404) not in (401, 403, 404, 409):  # It is not taken, and will not be another time.
                with contextlib.suppress(OSError):
                    call("POST", f"{path}/fail", lease | {"message": lost.read().decode(), "retryable": False})
        finally:
            done.set()
            end(signal.SIGKILL)

for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: (stopping.set(), end()))
me = {"worker_id": f"{socket.gethostname()}-{os.getpid()}", "kind": flags.kind, "queue": flags.queue}
me = parse.urlencode({name: value for name, value in me.items() if value} | {"wait": 5, "lease_seconds": flags.lease})
try:
    while not stopping.is_set():
        if task := call("GET", f"next?{me}"):
            work(task)
except OSError as refused:
    raise SystemExit(refused.read().decode() if isinstance(refused, error.HTTPError) else 0)
