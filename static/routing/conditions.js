// Conditions as rows. A text area with data-conditions keeps the JSON that is saved; the rows are drawn from it and
// write it back. What the rows cannot show stays in the text area.
"use strict";

// In the head of the page: what it reads comes after it.
document.addEventListener("DOMContentLoaded", () => {
  const source = document.getElementById("conditions-vocabulary");
  if (!source) return;
  const known = JSON.parse(source.textContent);
  const say = known.text;
  let numbers = 0;

  const make = (tag, options = {}, ...children) => {
    const element = document.createElement(tag);
    const { dataset, ...properties } = options;
    Object.assign(element, properties);
    Object.assign(element.dataset, dataset || {});
    element.append(...children);
    return element;
  };

  const option = (value, label, chosen) => make("option", { value, textContent: label, selected: value === chosen });
  const kindOf = (field) => known.fields[field].kind;
  const takesFlag = (test) => kindOf(test.field) === "flag" || test.operator === "is_empty";

  // --- between JSON and a tree of {word, parts} and {field, operator, value} ---

  const wordOf = (stored) => ["all", "any", "not"].find((word) => word in stored);

  function read(stored) {
    if (typeof stored !== "object" || stored === null || Array.isArray(stored)) throw new Error("no condition");
    const word = wordOf(stored);
    if (!word) return readTest(stored);
    if (Object.keys(stored).length !== 1) throw new Error("a group stands alone");
    if (word === "not") {
      const inner = read(stored.not);
      // "None of these" is the not of an "any"; the not of one test is a group with that one test.
      if (inner.word === "any") return { word: "not", parts: inner.parts };
      return { word: "not", parts: [inner] };
    }
    if (!Array.isArray(stored[word])) throw new Error("no list");
    return { word, parts: stored[word].map(read) };
  }

  function readTest(stored) {
    const operator = stored.operator === undefined ? "is" : stored.operator;
    if (!known.fields[stored.field] || !known.operators[kindOf(stored.field)].includes(operator)) throw new Error("unknown");
    if (Object.keys(stored).some((key) => !["field", "operator", "value"].includes(key))) throw new Error("unknown key");
    const values = Array.isArray(stored.value) ? stored.value : [];
    if (values.some((each) => String(each).includes(","))) throw new Error("commas part the values in a row");
    return { field: stored.field, operator, value: stored.value };
  }

  function write(node) {
    if (!node.word) return { field: node.field, operator: node.operator, value: node.value };
    const parts = node.parts.map(write);
    if (node.word !== "not") return { [node.word]: parts };
    return { not: parts.length === 1 ? parts[0] : { any: parts } };
  }

  function readRoot(text) {
    if (!text.trim()) return { word: "all", parts: [] };
    const stored = JSON.parse(text);
    if (Array.isArray(stored) && !stored.length) return { word: "all", parts: [] };
    if (stored && typeof stored === "object" && !Object.keys(stored).length) return { word: "all", parts: [] };
    const root = read(stored);
    return root.word ? root : { word: "all", parts: [root] };
  }

  const withoutEmptyGroups = (node) => {
    if (!node.word) return node;
    const parts = node.parts.map(withoutEmptyGroups).filter((part) => !part.word || part.parts.length);
    return { word: node.word, parts };
  };

  function writeRoot(root) {
    const kept = withoutEmptyGroups(root);
    return kept.parts.length ? JSON.stringify(write(kept), null, 1) : "{}";
  }

  // --- the rows ---

  // How conditions are written as text: of use only while they are shown so.
  function helpOf(area) {
    let near = area.parentElement;
    while (near && !near.querySelector("[data-conditions-help]")) near = near.parentElement;
    return near && near.querySelector("[data-conditions-help]");
  }

  class Builder {
    constructor(area) {
      this.area = area;
      this.root = null;
      this.box = make("div", { className: "e2c-conditions" });
      this.fault = make("p", { className: "e2c-fault", hidden: true, textContent: say.unreadable });
      this.toggle = make("button", { type: "button", className: "e2c-as-text" });
      this.toggle.addEventListener("click", () => this.show(this.box.hidden));
      this.help = helpOf(area);
      area.before(this.box, this.fault);
      area.after(this.toggle);
      area.dataset.built = "";
      this.show(true);
    }

    show(asRows) {
      if (asRows) {
        try {
          this.root = readRoot(this.area.value);
        } catch {
          this.fault.hidden = false;
          asRows = false;
        }
      }
      if (asRows) this.fault.hidden = true;
      this.box.hidden = !asRows;
      this.area.hidden = asRows;
      if (this.help) this.help.hidden = asRows;
      this.toggle.textContent = asRows ? say.as_text : say.as_rows;
      if (asRows) this.draw();
    }

    changed() {
      this.area.value = writeRoot(this.root);
      this.area.dispatchEvent(new Event("change", { bubbles: true }));
    }

    draw(focus) {
      this.box.replaceChildren(this.group(this.root, null, 1));
      const element = focus && this.box.querySelector(`[data-node="${focus}"]`);
      if (element) element.focus();
    }

    redraw(focus) {
      this.changed();
      this.draw(focus);
    }

    remove(node, parent) {
      parent.parts.splice(parent.parts.indexOf(node), 1);
      this.redraw(parent.number);
    }

    group(node, parent, depth) {
      node.number = node.number || ++numbers;
      const word = make("select", { className: "e2c-cond-word", ariaLabel: say.group, dataset: { node: node.number } },
        ...["all", "any", "not"].map((each) => option(each, say[each], node.word)));
      word.addEventListener("change", () => { node.word = word.value; this.redraw(node.number); });
      const head = make("div", { className: "e2c-cond-head" }, word);
      if (parent) head.append(this.removal(node, parent));
      const list = make("ul", { className: "e2c-cond-rows" },
        ...node.parts.map((part) => make("li", {}, part.word ? this.group(part, node, depth + 1) : this.row(part, node))));
      if (!node.parts.length && !parent) list.append(make("li", { className: "e2c-quiet", textContent: say.always }));
      const add = make("div", { className: "e2c-cond-add" }, this.adding(say.add_test, () => {
        const test = { field: "subject", operator: "contains", value: "", number: ++numbers };
        node.parts.push(test);
        return test.number;
      }));
      // A "not" of several is a "not" around an "any": it takes two levels.
      if (depth + 2 < known.most_depth) {
        add.append(this.adding(say.add_group, () => {
          const group = { word: node.word === "any" ? "all" : "any", parts: [], number: ++numbers };
          node.parts.push(group);
          return group.number;
        }));
      }
      return make("fieldset", { className: "e2c-cond-group" }, head, list, add);
    }

    adding(label, add) {
      const button = make("button", { type: "button", className: "e2c-cond-button", textContent: `+ ${label}` });
      button.addEventListener("click", () => this.redraw(add()));
      return button;
    }

    removal(node, parent) {
      const button = make("button", { type: "button", className: "e2c-cond-button", ariaLabel: say.remove, title: say.remove, textContent: "×" });
      button.addEventListener("click", () => this.remove(node, parent));
      return button;
    }

    row(test, parent) {
      test.number = test.number || ++numbers;
      const field = make("select", { ariaLabel: say.field, dataset: { node: test.number } },
        ...Object.entries(known.fields).map(([name, each]) => option(name, each.label, test.field)));
      field.addEventListener("change", () => {
        test.field = field.value;
        const operators = known.operators[kindOf(test.field)];
        if (!operators.includes(test.operator)) test.operator = operators[0];
        this.fit(test);
        this.redraw(test.number);
      });
      const operator = make("select", { ariaLabel: say.operator },
        ...known.operators[kindOf(test.field)].map((each) => option(each, known.words[each], test.operator)));
      operator.addEventListener("change", () => { test.operator = operator.value; this.fit(test); this.redraw(test.number); });
      return make("div", { className: "e2c-cond-row" }, field, operator, this.value(test), this.removal(test, parent));
    }

    // A value of the kind that the field and the operator take.
    fit(test) {
      if (takesFlag(test)) test.value = typeof test.value === "boolean" ? test.value : true;
      else if (test.operator === "is_one_of") test.value = Array.isArray(test.value) ? test.value : (typeof test.value === "string" && test.value ? [test.value] : []);
      else test.value = Array.isArray(test.value) ? test.value.join(", ") : (typeof test.value === "boolean" ? "" : test.value || "");
    }

    value(test) {
      if (takesFlag(test)) {
        const choice = make("select", { ariaLabel: say.value }, option("true", say.yes, String(test.value)), option("false", say.no, String(test.value)));
        choice.addEventListener("change", () => { test.value = choice.value === "true"; this.changed(); });
        return choice;
      }
      const several = test.operator === "is_one_of";
      const shown = Array.isArray(test.value) ? test.value.join(", ") : test.value ?? "";
      const input = make("input", { type: "text", value: shown, ariaLabel: say.value, placeholder: several ? say.several : "" });
      input.addEventListener("input", () => {
        test.value = several ? input.value.split(",").map((each) => each.trim()).filter(Boolean) : input.value;
        this.changed();
      });
      const values = known.fields[test.field].values;
      if (!values.length) return input;
      const list = make("datalist", { id: `conditions-values-${++numbers}` }, ...values.map((each) => option(each, each)));
      input.setAttribute("list", list.id);
      return make("span", { className: "e2c-cond-value" }, input, list);
    }
  }

  const isTemplate = (area) => area.name.includes("__prefix__");
  const build = (root) => root.querySelectorAll("textarea[data-conditions]:not([data-built])").forEach((area) => {
    if (!isTemplate(area)) new Builder(area);
  });
  build(document);
  // unfold folds a row up that is not saved yet, where it is there to be filled in.
  const unfold = (row) => {
    const first = row.querySelector("input[name$=-label]");
    if (first && !first.offsetParent) row.querySelector("h3").click();
    return first;
  };
  window.addEventListener("load", () => {
    document.querySelectorAll(".form-group.template:not(.empty-form)").forEach(unfold);
  });
  document.addEventListener("formset:added", (event) => {
    build(event.target);
    setTimeout(() => {
      const first = unfold(event.target);
      if (first) setTimeout(() => first.focus());
    });
  });
});
