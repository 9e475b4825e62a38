// The preview of a template follows what is typed; a click on a merge field puts it where the cursor was.
"use strict";

// The script stands in the head of the page.
document.addEventListener("DOMContentLoaded", () => {
  const section = document.querySelector("[data-preview-url]");
  const form = section?.closest("form");

  if (form) {
    const shown = document.getElementById("e2c-preview");
    let timer = 0;
    let asked = 0;
    let field = form.querySelector("textarea");

    const refresh = async () => {
      const number = (asked += 1);
      try {
        const response = await fetch(section.dataset.previewUrl, { method: "POST", body: new FormData(form) });
        if (!response.ok) throw new Error(String(response.status));
        const html = await response.text();
        if (number !== asked) return; // an older answer that came late
        shown.innerHTML = html;
        shown.classList.remove("e2c-stale");
      } catch {
        shown.classList.add("e2c-stale"); // what is shown is of an earlier text
      }
    };

    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(refresh, 300);
    });

    form.addEventListener("focusin", (event) => {
      if (event.target.matches("textarea, input[name=subject]")) field = event.target;
    });

    section.addEventListener("click", (event) => {
      const button = event.target.closest("[data-insert]");
      if (!button || !field) return;
      field.setRangeText(`{{ ${button.dataset.insert} }}`, field.selectionStart, field.selectionEnd, "end");
      field.focus();
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });

    section.querySelector("#e2c-preview-case").addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault(); // looks, and does not save
    });
  }
});
