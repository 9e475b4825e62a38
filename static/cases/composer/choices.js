// A list that opens under a field and is walked with the arrow keys while the focus stays in the field (combobox pattern).
let count = 0;

/** `onChoose(item)` gets one of the items given to `show`: {words, hint}. */
export function choicesOf(field, { label, onChoose }) {
  const list = document.createElement("ul");
  list.className = "options";
  list.id = `options-${(count += 1)}`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", label);
  list.hidden = true;
  const isCombobox = field.getAttribute("role") === "combobox";
  const tell = (isOpen) => isCombobox && field.setAttribute("aria-expanded", String(isOpen));
  let items = [];
  let at = -1;

  const mark = (position) => {
    at = position;
    [...list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
    const option = list.children[at];
    if (!option) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };
  const close = () => {
    list.hidden = true;
    tell(false);
    mark(-1);
  };
  const choose = (position) => {
    const item = items[position];
    close();
    if (item) onChoose(item);
  };
  const show = (found, { markFirst = true } = {}) => {
    items = found;
    list.replaceChildren(...found.map((item, position) => optionOf(item, `${list.id}-${position}`)));
    if (!found.length) return close();
    list.hidden = false;
    tell(true);
    mark(markFirst ? 0 : -1);
  };
  // Before the field loses the focus.
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const option = event.target.closest("[role='option']");
    if (option) choose([...list.children].indexOf(option));
  });

  return {
    list,
    show,
    close,
    get isOpen() {
      return !list.hidden;
    },
    /** Until the answer for what is typed now is there, nothing is offered that cannot be meant any more. */
    narrow(typed, { markFirst = true } = {}) {
      if (list.hidden) return;
      const still = items.filter(({ words, hint }) => `${words} ${hint ?? ""}`.toLowerCase().includes(typed.toLowerCase()));
      if (still.length < items.length || !markFirst) show(still, { markFirst });
    },
    /** Whether the key was for the list. */
    takesKey(event) {
      if (list.hidden || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return false;
      const { length } = items;
      if (event.key === "ArrowDown") mark((at + 1) % length);
      else if (event.key === "ArrowUp") mark((at + length) % length === 0 && at <= 0 ? length - 1 : at - 1);
      else if ((event.key === "Enter" || event.key === "Tab") && at >= 0 && !event.shiftKey) choose(at);
      else if (event.key === "Escape") close();
      else return false;
      event.preventDefault();
      event.stopPropagation();
      return true;
    },
  };
}

function optionOf(item, id) {
  const option = document.createElement("li");
  option.id = id;
  option.setAttribute("role", "option");
  const words = Object.assign(document.createElement("bdi"), { textContent: item.words });
  option.append(words);
  if (item.hint) option.append(Object.assign(document.createElement("span"), { className: "hint", textContent: item.hint }));
  return option;
}
