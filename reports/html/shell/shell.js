import { visible } from "./text.js";

// Functions of every page: changing its colours, copying a command, sorting a table.

const root = document.documentElement;
const darkly = matchMedia("(prefers-color-scheme: dark)");

for (const e of document.querySelectorAll(".needs-script")) e.hidden = false;
root.classList.add("scripted");

// scheme returns the current colour scheme.
export const scheme = () => root.dataset.scheme || (darkly.matches ? "dark" : "light");

const schemeButton = document.getElementById("scheme");

function sayScheme() {
  const other = scheme() === "dark" ? "Light" : "Dark";
  schemeButton.textContent = other;
  schemeButton.setAttribute("aria-label", `${other} colours`);
  root.dispatchEvent(new CustomEvent("scheme", { detail: scheme() }));
}

schemeButton.addEventListener("click", () => {
  root.dataset.scheme = scheme() === "dark" ? "light" : "dark";
  sayScheme();
});
darkly.addEventListener("change", sayScheme);
sayScheme();

// copy puts a text on the clipboard, and returns whether it succeeded.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A page from a file may not have a clipboard; a selection always works.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "aside";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy]");
  if (!button) return;
  const done = await copy(button.dataset.copy);
  button.textContent = done ? "Copied" : "Select it";
  button.classList.toggle("done", done);
  setTimeout(() => { button.textContent = "Copy"; button.classList.remove("done"); }, 1500);
});

// sortable makes the titles of a table sort it by their columns.
function sortable(table) {
  const titles = [...table.tHead.rows[0].cells];
  titles.forEach((title, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...title.childNodes);
    title.append(button);
    button.addEventListener("click", () => {
      const down = title.ariaSort === "ascending";
      for (const t of titles) t.ariaSort = null;
      title.ariaSort = down ? "descending" : "ascending";
      const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
      const rows = [...table.tBodies[0].rows].map((row) => [key(row), row]);
      rows.sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }) * (down ? -1 : 1));
      table.tBodies[0].append(...rows.map(([, row]) => row));
    });
  });
}

for (const table of document.querySelectorAll("table.sorts")) sortable(table);

// element makes an element with attributes and children; invisible characters of strings are
// made visible.
export function element(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === true) e.setAttribute(key, "");
    else if (value !== false && value !== undefined && value !== null) e.setAttribute(key, value);
  }
  e.append(...children.filter((c) => c !== null && c !== undefined).map((c) => (c instanceof Node ? c : visible(String(c)))));
  return e;
}
