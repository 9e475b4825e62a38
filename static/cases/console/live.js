// Counts and the parts of others that poll (hx-trigger="every ..."): not while nobody looks, at once when somebody does.
const polls = (element) => element.getAttribute?.("hx-trigger")?.includes("every ");

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && polls(event.detail.elt)) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.body.dispatchEvent(new CustomEvent("look-again"));
});
document.addEventListener("cases-changed", () => document.body.dispatchEvent(new CustomEvent("look-again")));
// Someone who was logged out in another tab meets the login, not a page that looks alive.
document.addEventListener("htmx:beforeSwap", (event) => {
  const login = document.querySelector(".console").dataset.login;
  if (new URL(event.detail.xhr.responseURL, location.href).pathname === login) {
    event.detail.shouldSwap = false;
    location.assign(`${login}?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
});
