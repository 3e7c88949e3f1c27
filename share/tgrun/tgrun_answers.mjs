// How tgrun.mjs gets at calls, and what it makes of what a function returned and of what went wrong. What the server was too busy for (429, 5xx), or who did not reach it, is later.
export const wrap = (o, name, by) => { const own = o?.[name]; if (own) o[name] = function (...args) { return by(own.apply(this, args), args[0]); }; };
const away = /etwork request|socket hang up|EFATAL|ECONN|ENOTFOUND|EAI_AGAIN|E(HOST|NET)UNREACH|EPIPE|TIMEDOUT|TimeoutError|UND_ERR_(SOCKET|\w+_TIMEOUT)/;
const whole = (_, value) => (typeof value === 'string' ? String(Buffer.from(value)) : value); // half a surrogate pair becomes U+FFFD
export function spell(reply, worker) { // as JSON; a process has text only
	if (reply == null || typeof reply === 'string' || (worker && typeof reply === 'object')) return JSON.stringify(reply ?? null, whole);
	throw new Error(`the function returned no string, but ${typeof reply}; calls are answers of --workers, or of --reply api as a string of JSON`);
}
export function say(error) { // anything can be thrown, also nothing
	if (typeof error === 'string' || error?.stack) return String(error);
	return `what was thrown is no Error, but ${error === null ? error : typeof error}`;
}
function status(error, depth = 9) { // that it bears, or else what led to it does; 503 where nobody was reached
	if (!error || !depth) return 0;
	for (const { error_code, status, statusCode, code } of [error, error.response ?? {}]) {
		const found = [error_code, status, statusCode, code].find((n) => n >= 400 && n < 600);
		if (found) return +found;
	}
	return away.test([error.name, error.code, error.message]) ? 503 : status(error.cause ?? error.error, depth - 1);
}
export function isLater(error) { // also if nothing but its text says so, as in 'HTTP 429'
	const found = status(error) || +(/\b(4\d\d|50[0-4])\b/.exec(say(error))?.[1] ?? 0);
	return found === 429 || found >= 500;
}
