"""wrk, a load generator in C, where it is installed (Debian: ``apt install wrk``): it takes little of what it measures.

https://github.com/wg/wrk
"""

import json
import shutil
import subprocess
import tempfile

from benchmarks.load import Result, Target

_REPORT = """
function done(summary, latency, requests)
  local failed = summary.errors
  io.write(string.format("\\n%d %d %f %f %f\\n", summary.requests,
    failed.connect + failed.read + failed.write + failed.status + failed.timeout,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3))
end
"""


def is_installed() -> bool:
    return shutil.which("wrk") is not None


def measure(target: Target, clients: int, seconds: int) -> Result:
    """Send the request from ``clients`` connections for some seconds. Raises RuntimeError if one answer is not good."""
    lines = ['wrk.method = "POST"', f"wrk.body = {_lua(target.body.decode())}"]
    lines += [f"wrk.headers[{_lua(name)}] = {_lua(value)}" for name, value in target.headers.items()]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write("\n".join(lines) + _REPORT)
        script.flush()
        command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "30s", "-s", script.name, target.url]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    requests, failed, duration, p50, p95 = map(float, done.stdout.splitlines()[-1].split())
    if failed or not requests:
        raise RuntimeError(f"{target.name}: {failed:.0f} of {requests:.0f} requests failed.\n{done.stdout}")
    return Result(p50, p95, requests / duration, int(requests))


def _lua(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
