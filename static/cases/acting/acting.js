// What a rep does to a case, in place: forms open under the head, answers become toasts, colleagues are seen.
// Without this every action is a page of its own.
import "./begun_notes.js";
import "./mentions.js";

const place = () => document.getElementById("case-action");
const REFUSED = new Set([403, 409, 422]);

// Head, panel and pane are drawn anew at any moment, also between what was asked there and its answer. htmx then looks
// for places in what is gone, and tells nobody on the page: the toast of such an answer, and what changed, are told here.
const heard = new WeakSet();
document.addEventListener("htmx:beforeOnLoad", (event) => heard.add(event.detail.xhr));
document.addEventListener("htmx:beforeSend", ({ detail: { xhr } }) => {
  xhr.addEventListener("loadend", () => {
    if (heard.has(xhr) || !xhr.status) return;
    const answer = new DOMParser().parseFromString(xhr.responseText, "text/html");
    for (const item of answer.querySelectorAll("#toasts > .toast")) {
      document.getElementById("toasts").append(item);
      htmx.process(item);
    }
    for (const name of (xhr.getResponseHeader("HX-Trigger") ?? "").split(",").filter(Boolean)) {
      document.body.dispatchEvent(new CustomEvent(name.trim(), { bubbles: true }));
    }
  });
});

// A refused form comes back with its sentence: that is an answer, not a fault.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, requestConfig } = event.detail;
  if (REFUSED.has(xhr.status) && requestConfig.elt.closest("#case-action, .case-top, #panel, .note-form, .toast, .split-again")) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

// What really failed is told where it was asked for.
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    const source = event.detail.elt;
    if (!source?.closest?.(".case-top, #case-action, #panel, .note-form, .toast") || source.id === "live") return;
    const words = document.querySelector(".case-top")?.dataset.failed;
    if (words) document.dispatchEvent(new CustomEvent("toast", { detail: { words, kind: "error" } }));
  });
}

// The form that opened takes the focus; closing gives it back.
let openedBy = null;
document.addEventListener("htmx:afterSwap", (event) => {
  const target = event.detail.target;
  if (target !== place()) return;
  const form = target.querySelector("form");
  if (!form) {
    giveBack();
    return;
  }
  if (event.detail.requestConfig?.verb === "get") openedBy = event.detail.requestConfig.elt;
  fillZone(form);
  (form.querySelector("[aria-invalid=true]") ?? form.querySelector("[autofocus]"))?.focus();
});

function giveBack() {
  if (!document.activeElement || document.activeElement === document.body) {
    const again = openedBy?.isConnected ? openedBy : document.querySelector("#case-subject");
    if (again && !again.matches("a, button")) again.tabIndex = -1;
    again?.focus({ preventScroll: true });
  }
  openedBy = null;
}

function closeForm() {
  place()?.replaceChildren();
  giveBack();
}

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-close-action]") || !event.target.closest(".case-top")) return;
  event.preventDefault();
  event.stopPropagation();
  closeForm();
}, true);

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !event.target.closest?.("#case-action")) return;
  event.preventDefault();
  closeForm();
});

// A button with an address of its own inside a form (htmx knows only that of the form).
document.addEventListener("htmx:configRequest", (event) => {
  const button = event.detail.triggeringEvent?.submitter;
  if (button?.hasAttribute("data-act")) event.detail.path = button.formAction;
  if (event.detail.elt.id === "live") {
    const composing = document.querySelector("#conversation .composer form, #conversation form[data-composer]");
    event.detail.parameters.composing = composing ? "1" : "";
  }
});

// What was undone is told by a new toast: the old one has nothing more to offer.
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt.matches?.("form.undo")) event.detail.elt.closest(".toast")?.remove();
});

// Moments are meant in the zone of the person who types them.
function fillZone(form) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const field = form.querySelector("[data-zone]");
  if (!field || !zone) return;
  field.value = zone;
  const name = form.querySelector("[data-zone-name]");
  if (name) name.textContent = `(${zone})`;
}

// Other cases appear while their number is typed.
let waiting = 0;
document.addEventListener("input", (event) => {
  const field = event.target;
  if (!field.dataset?.picker) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    htmx.ajax("GET", `${field.dataset.picker}?q=${encodeURIComponent(field.value)}`, {
      source: field, target: "#picker-found", select: "#picker-found", swap: "outerHTML",
      headers: { "HX-Target": "case-action" },
    });
  }, 200);
});

// A field of the panel is saved when it is left with another value.
document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-save-on-change]");
  form?.requestSubmit();
});

// A note begins with its text field.
document.addEventListener("toggle", (event) => {
  if (event.target.id === "write-note" && event.target.open) {
    if ("opensQuietly" in event.target.dataset) return void delete event.target.dataset.opensQuietly; // nobody asked for it
    event.target.querySelector("textarea").focus();
    event.target.scrollIntoView({ block: "nearest" });
  }
}, true);
document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.(".note-form");
  if (!form) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.querySelector("form").requestSubmit();
  if (event.key === "Escape" && !event.defaultPrevented && !form.querySelector("textarea").value) {
    form.open = false;
    form.querySelector("summary").focus();
    event.preventDefault();
  }
});
