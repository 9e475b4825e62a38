// Asking the server for a pane: one answer, or one reason why there is none.
import { isLogin, meetLogin } from "./logged_out.js";

const LONGEST = 15000; // milliseconds
const FRESH = 8000; // how long an answer fetched ahead may be used
const ahead = new Map();

export class Failed extends Error {
  /** `why`: "network", "timeout", "login", "403", "404" or "server". */
  constructor(why) {
    super(why);
    this.why = why;
  }
}

/** Resolves to {text, url, pane, status}; leaves the page where the reader has to log in and nothing is lost, and then never resolves. */
export async function ask(address, { pane = "", method = "GET", body = null, signal = null, isAhead = false } = {}) {
  const limit = AbortSignal.timeout(LONGEST);
  const signals = method === "GET" ? [limit] : []; // what changes something is waited for
  if (signal) signals.push(signal);
  let response;
  try {
    response = await fetch(address, {
      method, body, credentials: "same-origin", signal: signals.length ? AbortSignal.any(signals) : null,
      headers: { "HX-Request": "true", "HX-Target": pane, "HX-Current-URL": location.href, ...(isAhead && { "X-Prefetch": "1" }) },
    });
    const text = await response.text();
    return judge(response, text);
  } catch (error) {
    if (error instanceof Failed) throw error;
    if (signal?.aborted) throw error;
    throw new Failed(limit.aborted ? "timeout" : "network");
  }
}

function judge(response, text) {
  const url = new URL(response.url);
  if (isLogin(url)) {
    if (meetLogin()) return new Promise(() => {});
    throw new Failed("login");
  }
  const pane = response.headers.get("X-Pane");
  // A form that was refused comes as a pane too, with the reason in it.
  if (!response.ok && !pane) throw new Failed(["403", "404"].includes(String(response.status)) ? String(response.status) : "server");
  for (const name of (response.headers.get("HX-Trigger") ?? "").split(",")) {
    if (name.trim() === "cases-changed") document.dispatchEvent(new CustomEvent("cases-changed"));
  }
  return { text, url, pane, status: response.status };
}

/** Fetches what will probably be asked for next. Only addresses that change nothing. */
export function askAhead(address, pane) {
  if (ahead.has(address) || navigator.connection?.saveData) return;
  const answer = ask(address, { pane, isAhead: true });
  answer.catch(() => ahead.delete(address));
  ahead.set(address, answer);
  setTimeout(() => ahead.get(address) === answer && ahead.delete(address), FRESH);
}

export function takeAhead(address) {
  const answer = ahead.get(address);
  ahead.delete(address);
  return answer ?? null;
}

export function forgetAhead() {
  ahead.clear();
}
