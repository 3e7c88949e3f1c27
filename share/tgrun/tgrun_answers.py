"""What tgrun.py makes of what a function returned and of what went wrong. What the server was too busy for (429, 5xx), or who did not reach it, is later."""
import errno, json, re
KINDS = re.compile("RetryAfter|TimedOut|Timeout|NetworkError|[Cc]onnect.*Error|ReadError|RemoteProtocolError|gaierror")  # of libraries
AWAY = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN)

def spell(reply, worker):
    """reply as a worker answers it; a process has text only"""
    if reply is None or isinstance(reply, (str, dict, list) if worker else str):
        return json.dumps(reply, ensure_ascii=False) if worker else reply or ""
    raise TypeError(f"the function returned no str, but {type(reply).__name__}; calls are answers of --workers, or of --reply api as a str of JSON")

def later(error, depth=9):
    """by a status that it bears, by its kind, or by what led to it"""
    for of in (error, getattr(error, "response", None)):
        for name in ("error_code", "status", "status_code", "code"):
            found = getattr(of, name, None)
            if isinstance(found, int) and 400 <= found < 600: return found == 429 or found >= 500
    if isinstance(error, (ConnectionError, TimeoutError)) or KINDS.search(type(error).__name__) or getattr(error, "errno", None) in AWAY: return True
    causes = error.__cause__, getattr(error, "reason", None)
    return any(later(cause, depth - 1) for cause in causes if depth and isinstance(cause, BaseException))
