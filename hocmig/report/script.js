"use strict";
(() => {
  const tools = document.getElementById("tools");
  const box = document.getElementById("search");
  const status = document.getElementById("status");
  const said = document.getElementById("said");
  const items = Array.from(document.querySelectorAll("[data-item]"));
  const texts = new Map();
  tools.hidden = false;

  const textOf = (item) => {
    let text = texts.get(item);
    if (text === undefined) {
      text = item.textContent.toLowerCase();
      texts.set(item, text);
    }
    return text;
  };
  const filter = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = status.value;
    let shown = 0;
    for (const item of items) {
      const fits = (!wanted || item.dataset.item === wanted) && words.every((w) => textOf(item).includes(w));
      item.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    said.textContent = words.length || wanted ? `${shown} of ${items.length} entries` : "";
  };
  let waiting = 0;
  box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 120);
  });
  status.addEventListener("change", filter);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
      event.preventDefault();
      box.focus();
    } else if (event.key === "Escape" && event.target === box) {
      box.value = "";
      filter();
    }
  });
  const reveal = () => {
    const target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
    if (!target) return;
    if (target.hidden) {
      box.value = "";
      status.value = "";
      filter();
    }
    if (target.tagName === "DETAILS") {
      target.open = true;
      target.querySelector("summary").focus({ preventScroll: true });
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", reveal);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) reveal();
    const all = event.target.closest("button[data-all]");
    if (all) {
      const details = document.querySelectorAll(`#${all.dataset.all} details`);
      const open = all.getAttribute("aria-pressed") !== "true";
      for (const one of details) one.open = open;
      all.setAttribute("aria-pressed", String(open));
    }
  });
  reveal();
})();
