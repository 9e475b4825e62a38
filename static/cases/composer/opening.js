// Reply, reply all and forward open in their place under the conversation; the links work without this as pages.
import { ask } from "./requests.js";

/** The composer that stands at an address, as an element that is not on the page yet; null when it could not be had. */
export async function fetchComposer(address) {
  const outcome = await ask(address, { headers: { "HX-Request": "true", Accept: "text/html" } });
  if (outcome.kind !== "done") return null;
  const section = new DOMParser().parseFromString(outcome.text, "text/html").querySelector("section.composer");
  return section && document.importNode(section, true);
}

export function openInPlace({ onOpened }) {
  document.addEventListener("click", async (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest?.("a[data-opens-composer]");
    const place = link?.closest(".conversation")?.querySelector(".answer");
    if (!place) return;
    event.preventDefault();
    if (place.hasAttribute("aria-busy")) return;
    place.setAttribute("aria-busy", "true");
    const section = await fetchComposer(link.href);
    place.removeAttribute("aria-busy");
    // The page says what is wrong: logged out, no connection, a case that is gone.
    if (!section) return location.assign(link.href);
    place.replaceWith(section);
    onOpened(section, { close: () => section.replaceWith(place) });
  });
}
