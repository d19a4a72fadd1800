"use strict";
// Adds to a page that is complete without it: sorting and filtering of tables, zooming of nights, copying of texts.
// What it writes is text, never markup.
(() => {
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // Numbers before words, numbers by size, words as people sort them; cells without a number last in either direction.
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const parse = (text) => {
    const plain = text.replaceAll("\u2212", "-").replaceAll("\u00a0", " ").trim();
    const found = plain.match(/^[<+]?\s*(-?\d+(?:\.\d+)?)(?: × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?(?: %)?(?:\s[a-z, ]+)?$/);
    if (!found) return null;
    const power = (found[2] || "").replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹]/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(digit)).replace("⁻", "-");
    return Number(found[1]) * 10 ** Number(power || 0);
  };
  const empty = (text) => ["", "\u2013", "not measured"].includes(text.trim());
  const textOf = (row, column) => {
    let cell = row.cells[column];
    if (cell.firstElementChild) {
      cell = cell.cloneNode(true);
      cell.querySelectorAll("sup").forEach((mark) => mark.remove());
    }
    return cell.textContent;
  };

  const sortBy = (table, column, direction) => {
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row, place) => {
      const text = textOf(row, column);
      return { row, place, text, number: parse(text), empty: empty(text) };
    });
    const numeric = keyed.every((item) => item.empty || item.number !== null);
    keyed.sort((a, b) => {
      if (a.empty !== b.empty) return a.empty ? 1 : -1;
      const order = numeric && !a.empty ? a.number - b.number : collator.compare(a.text, b.text);
      return order ? direction * order : a.place - b.place;
    });
    body.append(...keyed.map((item) => item.row));
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = make("button", { type: "button", className: "sort" });
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        heads.forEach((other) => other.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
        sortBy(table, column, direction);
      });
    });
    const rows = [...table.tBodies[0].rows];
    // What several rows share stands once below the table, by its letter: it is found as if it stood in each of them.
    const below = table.closest(".scroll").nextElementSibling;
    const notes = new Map([...below?.matches(".notes") ? below.children : []].map((note) =>
      [note.querySelector("sup").textContent, note.textContent]));
    const shared = (row) => [...row.querySelectorAll("sup")].flatMap((mark) =>
      mark.textContent.split(", ").map((letter) => notes.get(letter) ?? ""));
    const texts = rows.map((row) => [row.textContent, ...shared(row)].join(" ").toLowerCase());
    const count = make("span", { className: "count" });
    count.setAttribute("role", "status");
    const field = make("input", { type: "search", id: `${table.id}-filter`, autocomplete: "off" });
    const show = () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, place) => {
        row.hidden = !words.every((word) => texts[place].includes(word));
        shown += !row.hidden;
      });
      count.textContent = words.length ? `${shown} of ${rows.length}` : "";
    };
    field.addEventListener("input", show);
    const label = make("label", { htmlFor: field.id, textContent: "Show rows with " });
    table.closest(".scroll").before(make("p", { className: "filter" }, label, field, " ", count));
  }

  for (const figure of document.querySelectorAll("figure.wide")) {
    const image = figure.querySelector("img");
    const frame = figure.querySelector(".scroll");
    let zoom = 1;
    const set = (next) => {
      const middle = (frame.scrollLeft + frame.clientWidth / 2) / frame.scrollWidth;
      zoom = Math.min(Math.max(next, 1), 8);
      image.style.width = `${100 * zoom}%`;
      image.style.maxWidth = "none";
      frame.classList.toggle("zoomed", zoom > 1);
      frame.scrollLeft = middle * frame.scrollWidth - frame.clientWidth / 2;
      outward.disabled = zoom <= 1;
      inward.disabled = zoom >= 8;
    };
    const name = figure.dataset.name;
    const inward = make("button", { type: "button", textContent: "Zoom in" });
    const outward = make("button", { type: "button", textContent: "Zoom out", disabled: true });
    inward.setAttribute("aria-label", `Zoom in, ${name}`);
    outward.setAttribute("aria-label", `Zoom out, ${name}`);
    inward.addEventListener("click", () => set(zoom * 2));
    outward.addEventListener("click", () => set(zoom / 2));
    figure.prepend(make("p", { className: "zoom" }, inward, " ", outward));
  }

  // What a reader unfolded stays so in this window, and a link into a fold opens it.
  const folds = [...document.querySelectorAll("details")];
  const key = `folds ${location.pathname}`;
  try {
    (sessionStorage.getItem(key) || "").split(" ").filter(Boolean).forEach((place) => { if (folds[place]) folds[place].open = true; });
    const keep = () => sessionStorage.setItem(key, folds.map((fold, place) => (fold.open ? place : "")).filter(String).join(" "));
    folds.forEach((fold) => fold.addEventListener("toggle", keep));
  } catch { /* no storage for a page from disk: folds begin closed */ }
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let fold = target && target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  // A text with titles on the page goes without them into a paper: its paragraphs alone.
  const plain = (text) => {
    const parts = [...text.querySelectorAll("dd:not(.small)")].map((part) => part.textContent);
    return parts.length ? parts.join("\n\n") : text.textContent;
  };

  for (const text of document.querySelectorAll(".copy")) {
    const button = make("button", { type: "button", textContent: `Copy ${text.dataset.name}` });
    const said = make("span", { className: "count" });
    said.setAttribute("role", "status");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(plain(text));
        said.textContent = "copied";
      } catch {
        getSelection().selectAllChildren(text); // no clipboard here: the text is marked, to be copied by hand
        said.textContent = "marked: press Ctrl+C";
      }
    });
    text.before(make("p", { className: "zoom" }, button, " ", said));
  }
})();
