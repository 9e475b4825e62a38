// Asking the server, with an outcome that has a name: no connection, logged out and refused are told in other words.

/** @returns {Promise<{kind: "done"|"refused"|"signed-out"|"offline", status: number, text: string, url: string}>} */
export async function ask(url, { fields = null, headers = {}, signal = undefined, keepalive = false } = {}) {
  let response;
  try {
    response = await fetch(url, {
      method: fields ? "POST" : "GET",
      body: fields ? withToken(fields) : undefined,
      headers: { Accept: "application/json, text/html;q=0.9", ...headers },
      credentials: "same-origin",
      signal,
      keepalive,
    });
    return outcomeOf(response.status, await response.text(), response.redirected ? response.url : "");
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return { kind: "offline", status: 0, text: "", url: "" };
  }
}

/** The same by XMLHttpRequest, the only way to hear how much of a file has left. `onProgress` hears 0 to 1. */
export function upload(url, fields, { onProgress, onStart }) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", (event) => event.lengthComputable && onProgress(event.loaded / event.total));
    request.addEventListener("load", () => resolve(outcomeOf(request.status, request.responseText, request.responseURL)));
    for (const failure of ["error", "abort", "timeout"]) {
      request.addEventListener(failure, () => resolve({ kind: failure === "abort" ? "aborted" : "offline", status: 0, text: "", url: "" }));
    }
    request.open("POST", url);
    request.setRequestHeader("Accept", "application/json");
    request.send(withToken(fields));
    onStart?.(request);
  });
}

export function jsonOf(outcome) {
  try {
    return JSON.parse(outcome.text);
  } catch {
    return null;
  }
}

function outcomeOf(status, text, url) {
  const path = url ? new URL(url, location.href).pathname : "";
  if (status === 401 || path.endsWith("/login/")) return { kind: "signed-out", status, text: "", url };
  return { kind: status >= 200 && status < 300 ? "done" : "refused", status, text, url };
}

/** Who logs in again in another tab gets another token: the cookie has the newest. */
function withToken(fields) {
  const [, token] = /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie) ?? [];
  if (token) fields.set("csrfmiddlewaretoken", token);
  return fields;
}
