// Merge fields that nothing was found for stay in the text as marks. They are shown, and one click or the first look at a
// new template selects one whole, so that the next word takes its place. Before sending the server warns of what is left.
const MARK = /\{\{[^{}\n]{1,80}\}\}/g;
const LONGEST_LOOKED_AT = 200_000; // characters

/** In the rich text, as ranges. */
function rangesIn(root) {
  const ranges = [];
  if (root.textContent.length > LONGEST_LOOKED_AT || !root.textContent.includes("{{")) return ranges;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    for (const match of walker.currentNode.data.matchAll(MARK)) {
      const range = new Range();
      range.setStart(walker.currentNode, match.index);
      range.setEnd(walker.currentNode, match.index + match[0].length);
      ranges.push(range);
    }
  }
  return ranges;
}

/** Shows the marks of a rich text without touching it (CSS highlights), and selects the one that is clicked. */
export function marksOfRichText(root, { select }) {
  root.addEventListener("click", () => {
    const selection = getSelection();
    if (!selection.isCollapsed || !selection.rangeCount) return;
    const { startContainer, startOffset } = selection.getRangeAt(0);
    const clicked = rangesIn(root).find((range) => range.startContainer === startContainer && range.isPointInRange(startContainer, startOffset));
    if (clicked) select(clicked);
  });
  return {
    show() {
      if (globalThis.Highlight && CSS.highlights) CSS.highlights.set("unfilled", new Highlight(...rangesIn(root)));
    },
    selectFirst() {
      const [first] = rangesIn(root);
      if (first) select(first);
      return Boolean(first);
    },
  };
}

/** The same for a textarea, where nothing can be coloured. */
export function marksOfTextarea(textarea) {
  const all = () => (textarea.value.length > LONGEST_LOOKED_AT ? [] : [...textarea.value.matchAll(MARK)]);
  const select = ({ 0: mark, index }) => textarea.setSelectionRange(index, index + mark.length);
  textarea.addEventListener("click", () => {
    const { selectionStart, selectionEnd } = textarea;
    if (selectionStart !== selectionEnd) return;
    const clicked = all().find(({ 0: mark, index }) => index < selectionStart && selectionStart < index + mark.length);
    if (clicked) select(clicked);
  });
  return {
    show() {},
    selectFirst() {
      const [first] = all();
      if (first) select(first);
      return Boolean(first);
    },
  };
}
