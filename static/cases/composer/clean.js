// What may stand in a mail that is written here: words and structure, no styles, no pictures of others.
import "../../vendor/dompurify/purify.min.js";

const TAGS = [
  "a", "b", "blockquote", "br", "code", "div", "em", "h1", "h2", "h3", "h4", "hr", "i", "img", "ins", "li", "ol", "p", "pre",
  "s", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
];
const ATTRIBUTES = ["alt", "colspan", "dir", "height", "href", "rowspan", "src", "start", "width"];
// Only files of a draft: every other address would be asked by whoever opens the mail, and by us while it is written.
export const OWN_PICTURE = /^\/drafts\/\d+\/files\/\d+\/$/;
const LINK = /^(?:https?:\/\/|mailto:|tel:)/i;
const LEFT_TO_RIGHT_MARKS = /[\u200b\ufeff]/g; // what an editor puts where the cursor must be able to stand

const purify = globalThis.DOMPurify;
purify.addHook("afterSanitizeAttributes", (node) => {
  if (node.nodeName === "IMG" && !OWN_PICTURE.test(node.getAttribute("src") ?? "")) node.remove();
  if (node.nodeName === "A" && !LINK.test(node.getAttribute("href") ?? "")) node.removeAttribute("href");
});

export function cleanFragment(html) {
  const page = parse(html);
  tidyForeignMarkup(page.body);
  const fragment = purify.sanitize(page.body.innerHTML, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_ARIA_ATTR: false,
    ALLOW_DATA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  return document.importNode(fragment, true);
}

/** The pictures that stand in pasted HTML as data, as files that can be uploaded. */
export function picturesInData(html) {
  return [...parse(html).querySelectorAll("img[src^='data:image/']")].flatMap((image, position) => {
    const [, type, data] = /^data:(image\/(?:png|jpeg|gif|webp));base64,([A-Za-z0-9+/=\s]+)$/.exec(image.getAttribute("src")) ?? [];
    if (!data) return [];
    const bytes = Uint8Array.from(atob(data.replace(/\s/g, "")), (character) => character.charCodeAt(0));
    return [new File([bytes], `picture-${position + 1}.${type.slice(6)}`, { type })];
  });
}

/** Foreign HTML as a page that is nowhere. Our policy reports styles and handlers even there, so none is left to be parsed: those of
 * elements stand in data-style and data-on….
 */
function parse(html) {
  const withoutStyles = html
    .replace(/<style\b[\s\S]*?(?:<\/style\s*>|$)/gi, "")
    .replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/([\s/"'])(style|on[a-z]+)(?=\s*=)/gi, "$1data-$2"));
  return new DOMParser().parseFromString(withoutStyles, "text/html");
}

/** Word and Google Docs say "bold" and "list item" in styles, which are dropped: say it in tags before that. */
function tidyForeignMarkup(body) {
  for (const comment of [...commentsIn(body)]) comment.remove();
  for (const item of body.querySelectorAll("p[data-style*='mso-list']")) intoListItem(item);
  for (const element of body.querySelectorAll("[data-style]")) {
    const style = element.getAttribute("data-style").toLowerCase();
    element.removeAttribute("data-style");
    if (element.nodeName === "B" && /font-weight:\s*(?:normal|400)/.test(style)) element.replaceWith(...element.childNodes);
    else if (element.nodeName === "SPAN") sayInTags(element, style);
  }
}

function commentsIn(body) {
  const walker = body.ownerDocument.createTreeWalker(body, NodeFilter.SHOW_COMMENT);
  const found = [];
  while (walker.nextNode()) found.push(walker.currentNode);
  return found;
}

function sayInTags(span, style) {
  const tags = [];
  if (/font-weight:\s*(?:bold|[6-9]00)/.test(style)) tags.push("b");
  if (/font-style:\s*italic/.test(style)) tags.push("i");
  if (/text-decoration[^;]*:\s*[^;]*underline/.test(style)) tags.push("u");
  for (const tag of tags) {
    const wrapper = span.ownerDocument.createElement(tag);
    wrapper.append(...span.childNodes);
    span.append(wrapper);
  }
}

function intoListItem(paragraph) {
  // Word writes the bullet or number into a span of its own, marked mso-list:Ignore.
  const marker = paragraph.querySelector("[data-style*='mso-list:Ignore' i], [data-style*='mso-list: Ignore' i]");
  const isNumbered = /^\s*[\dA-Za-z]+[.)]/.test(marker?.textContent ?? "");
  marker?.remove();
  const item = paragraph.ownerDocument.createElement("li");
  item.append(...paragraph.childNodes);
  const kind = isNumbered ? "OL" : "UL";
  const before = paragraph.previousElementSibling;
  const list = before?.nodeName === kind && before.hasAttribute("data-word") ? before : paragraph.ownerDocument.createElement(kind);
  list.setAttribute("data-word", "");
  list.append(item);
  if (list === before) paragraph.remove();
  else paragraph.replaceWith(list);
}

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const FIRST_LETTER = /\p{L}/u;

/** The HTML that is sent. Blocks that begin with a letter of a right-to-left script say so: not every mail program looks. */
export function outgoingHtml(html) {
  const plain = html.replace(LEFT_TO_RIGHT_MARKS, "");
  // A browser may write styles while it moves words from one block to another.
  if (!RIGHT_TO_LEFT.test(plain) && !/\sstyle\s*=/i.test(plain)) return plain;
  const page = parse(plain);
  for (const element of page.body.querySelectorAll("[data-style]")) element.removeAttribute("data-style");
  for (const block of page.body.querySelectorAll("div, p, li, td, th, h1, h2, h3, h4, blockquote")) {
    if (RIGHT_TO_LEFT.test(FIRST_LETTER.exec(block.textContent)?.[0] ?? "")) block.setAttribute("dir", "rtl");
  }
  return page.body.innerHTML;
}

const BLOCKS = new Set([
  "BLOCKQUOTE", "DIV", "H1", "H2", "H3", "H4", "HR", "LI", "OL", "P", "PRE", "TABLE", "TBODY", "TFOOT", "THEAD", "TR", "UL",
]);

/** The same words without formatting, for mail programs that show plain text, and for the search. */
export function plainText(root) {
  const lines = [];
  const writer = { lines, line: "", prefix: "" };
  writeNodes(root.childNodes, writer);
  endLine(writer);
  return lines.join("\n").replace(LEFT_TO_RIGHT_MARKS, "").replace(/\u00a0/g, " ").replace(/[ \t]+$/gm, "").trim();
}

function endLine(writer, { evenEmpty = false } = {}) {
  if (writer.line || evenEmpty) writer.lines.push(writer.prefix + writer.line);
  writer.line = "";
}

function writeNodes(nodes, writer) {
  for (const node of nodes) {
    if (node.nodeType === Node.TEXT_NODE) writer.line += node.data.replace(/[\r\n]+/g, " ");
    else if (node.nodeType === Node.ELEMENT_NODE) writeElement(node, writer);
  }
}

function writeElement(element, writer) {
  const name = element.nodeName;
  if (name === "BR") return endLine(writer, { evenEmpty: Boolean(element.nextSibling) || !writer.line });
  if (name === "IMG") {
    writer.line += element.alt ? `[${element.alt}]` : "";
  } else if (name === "A") {
    const before = writer.line.length;
    writeNodes(element.childNodes, writer);
    const words = writer.line.slice(before).trim();
    const target = (element.getAttribute("href") ?? "").replace(/^mailto:/i, "");
    if (target && words && target.replace(/\/$/, "") !== words.replace(/\/$/, "")) writer.line += ` <${target}>`;
  } else if (name === "PRE") {
    endLine(writer);
    for (const line of element.textContent.split("\n")) writer.lines.push(writer.prefix + line);
  } else if (name === "TD" || name === "TH") {
    if (writer.line) writer.line += "\t";
    writeNodes(element.childNodes, writer);
  } else if (BLOCKS.has(name)) {
    writeBlock(element, writer);
  } else {
    writeNodes(element.childNodes, writer);
  }
}

function writeBlock(element, writer) {
  endLine(writer);
  const outer = writer.prefix;
  if (element.nodeName === "BLOCKQUOTE") writer.prefix += "> ";
  if (element.nodeName === "LI") {
    const isNumbered = element.parentElement?.nodeName === "OL";
    const number = isNumbered ? [...element.parentElement.children].indexOf(element) + Number(element.parentElement.getAttribute("start") || 1) : 0;
    writer.line = isNumbered ? `${number}. ` : "- ";
    // Words of an item stand in a block of their own: the mark belongs to their line.
    const only = element.firstElementChild;
    writeNodes(only && element.firstChild === only && (only.nodeName === "DIV" || only.nodeName === "P") ? [...only.childNodes, ...[...element.childNodes].slice(1)] : element.childNodes, writer);
  } else {
    writeNodes(element.childNodes, writer);
    if (element.nodeName === "P" || /^H\d$/.test(element.nodeName)) {
      endLine(writer);
      writer.line = "";
      writer.lines.push(writer.prefix.trimEnd());
    }
  }
  endLine(writer);
  writer.prefix = outer;
}

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
export const escapeHtml = (text) => text.replace(/[&<>"]/g, (character) => ESCAPES[character]);
export const textToHtml = (text) => text.split("\n").map((line) => `<div>${escapeHtml(line) || "<br>"}</div>`).join("");
