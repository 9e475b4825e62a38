// The wrong-recipient guard while one writes: the server says what is risky, in words above the button.
import { ask } from "./requests.js";

const ASK_AFTER = 900; // milliseconds without a change

export function openWarnings(form, { beforeAsking, onShown }) {
  const place = form.querySelector("[data-warnings]");
  let timer = 0, abort = null, asked = "";
  const look = async () => {
    beforeAsking();
    const fields = new FormData();
    for (const name of ["send_from", "to", "cc", "bcc", "subject", "text", "draft", "html", "last_seen", "mode", "message", "answers_join"]) {
      const field = form.elements[name];
      if (field && (field.type !== "checkbox" || field.checked)) fields.set(name, field.value);
    }
    const now = JSON.stringify([...fields]);
    if (now === asked) return;
    asked = now;
    abort?.abort();
    abort = new AbortController();
    try {
      const outcome = await ask(form.dataset.warningsUrl, { fields, signal: abort.signal, headers: { "HX-Request": "true" } });
      if (outcome.kind === "done") show(outcome.text);
    } catch {
      // Asked again already: the newer answer counts.
    }
  };
  const show = (html) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const fresh = page.body.textContent.trim() ? [...page.body.childNodes].map((node) => document.importNode(node, true)) : [];
    if (place.textContent.trim() !== page.body.textContent.trim()) place.replaceChildren(...fresh);
    onShown(fresh.length > 0);
  };
  return {
    changed() {
      if (!form.dataset.warningsUrl || !place) return;
      clearTimeout(timer);
      timer = setTimeout(look, ASK_AFTER);
    },
    show,
    stop: () => (clearTimeout(timer), abort?.abort()),
  };
}
