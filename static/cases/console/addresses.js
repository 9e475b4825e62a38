// Which pane an address belongs to.
export const consoleElement = document.querySelector(".console");
const root = consoleElement.dataset.root;
const { drafts } = consoleElement.dataset;
const LISTS = new Set(["", "approvals/", "notifications/"]);
const CONVERSATION = /^(new|notifications\/settings|\d+|\d+\/(files|compose))\/$/;

/** "views", "list", "conversation", or null for what is no pane: a file, the back office, another site. */
export function paneOf(address) {
  const url = new URL(address, location.href);
  if (url.origin !== location.origin) return null;
  if (url.pathname === drafts) return "list";
  if (!url.pathname.startsWith(root)) return null;
  const rest = url.pathname.slice(root.length);
  if (LISTS.has(rest)) return "list";
  if (rest === "views/") return "views";
  return CONVERSATION.test(rest) ? "conversation" : null;
}

/** The number of the case that an address is about; null for none. Zeros in front do not matter. */
export function caseOf(address) {
  const rest = new URL(address, location.href).pathname.slice(root.length);
  const found = /^(\d+)\//.exec(rest);
  return found ? Number(found[1]) : null;
}

export const withoutHash = (address) => {
  const url = new URL(address, location.href);
  return url.pathname + url.search;
};
