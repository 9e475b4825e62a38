// A note that was begun and not added is kept in this tab: who looks at another case first, or has to log in again, finds
// it at its case as it was left.
const PREFIX = "console.note ";
const user = document.querySelector(".console")?.dataset.user ?? "";

const keyOf = (form) => `${PREFIX}${user} ${form.getAttribute("action")}`;

function putBack() {
  const form = document.querySelector("#write-note form");
  const text = form && sessionStorage.getItem(keyOf(form));
  if (!text || form.elements.body.value) return;
  form.elements.body.value = text;
  const fold = form.closest("details");
  if (!fold.open) fold.dataset.opensQuietly = "";
  fold.open = true;
}

document.addEventListener("input", ({ target }) => {
  if (target.id !== "note-body") return;
  if (target.value.trim()) sessionStorage.setItem(keyOf(target.form), target.value);
  else sessionStorage.removeItem(keyOf(target.form));
});
document.addEventListener("htmx:afterRequest", ({ detail: { requestConfig, successful, xhr } }) => {
  const form = requestConfig?.elt;
  // Who has to log in first gets an answer as well, but from elsewhere.
  if (!successful || !form.matches?.(".note-form form") || new URL(xhr.responseURL).pathname !== form.getAttribute("action")) return;
  sessionStorage.removeItem(keyOf(form));
});
// Whoever sits here next finds nothing.
document.addEventListener("submit", ({ target }) => {
  if (!target.matches("[data-logs-out]")) return;
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
});
document.addEventListener("pane:swapped", ({ detail }) => detail.pane === "conversation" && putBack());
putBack();
