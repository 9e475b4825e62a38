// Where the reader stands in the list: at the row that has the focus, else at the open case, else where they were last.
// A case that was closed, snoozed or given away leaves the list; the next one is then the one that came after it.
import { caseOf, paneOf, withoutHash } from "./addresses.js";

const rows = () => [...document.querySelectorAll("#list a:is(.row, [data-row])")];
let stood = ""; // the address of the row where the reader was last
let drawn = { list: "", rows: [] }; // which list stands there, and where its rows lead
let gap = null; // {before, after}: around a row that has left the list, the nearest first

export function currentRow() {
  const all = rows();
  return all.find((row) => row === document.activeElement || row.closest("li")?.contains(document.activeElement))
    ?? all.find((row) => row.hasAttribute("aria-current")) ?? all.find((row) => row.href === stood) ?? null;
}

/** The next row (1) or the one before (-1). */
export function rowBeside(step) {
  const all = rows();
  const here = all.indexOf(currentRow());
  if (here >= 0) return all[here + step];
  if (!gap) return all[0];
  const at = (address) => all.find((row) => row.href === address);
  return at((step > 0 ? gap.after : gap.before).find(at)) ?? all.at(step > 0 ? -1 : 0);
}

document.getElementById("list").addEventListener("focusin", ({ target }) => {
  const row = rows().find((each) => each === target || each.closest("li")?.contains(target));
  if (row) stood = row.href;
});

document.addEventListener("pane:swapped", ({ detail: { pane, url } }) => {
  if (pane === "conversation") {
    const open = rows().find((row) => caseOf(row.href) === caseOf(url) && paneOf(row.href) === pane);
    if (open) stood = open.href;
  }
  if (pane !== "list") return;
  const fresh = { list: withoutHash(url), rows: rows().map((row) => row.href) };
  if (fresh.list !== drawn.list) stood = rows().find((row) => row.hasAttribute("aria-current"))?.href ?? "";
  const was = drawn.rows.indexOf(stood);
  if (!stood || fresh.rows.includes(stood)) gap = null;
  else if (was >= 0) gap = { before: drawn.rows.slice(0, was).reverse(), after: drawn.rows.slice(was + 1) };
  drawn = fresh;
});
