// The archive works without this file. It searches titles and headlines, and mends links when pages are opened from a disk.
"use strict";

if (location.protocol === "file:") {
  for (const anchor of document.querySelectorAll("a[href]")) {
    const [path, fragment] = anchor.getAttribute("href").split("#");
    if (path.endsWith("/") && !/^[a-z]+:/i.test(path)) {
      anchor.setAttribute("href", path + "index.html" + (fragment ? "#" + fragment : ""));
    }
  }
}

const form = document.getElementById("search");
if (form && location.protocol !== "file:") {
  const query = document.getElementById("query");
  const found = document.getElementById("found");
  const results = document.getElementById("results");
  const listing = document.getElementById("listing");
  const fold = (text) => text.normalize("NFKC").toLowerCase();
  let rows;

  const load = async () => {
    if (!rows) {
      const answer = await fetch(form.dataset.index);
      rows = await answer.json();
      for (const row of rows) {
        row.folded = fold([row.title, row.date, ...row.tags].join("\n"));
        row.items = row.items.map(([anchor, headline]) => ({ anchor, headline, folded: fold(headline) }));
      }
    }
    return rows;
  };

  const link = (href, text) => {
    const anchor = document.createElement("a");
    anchor.href = href;
    anchor.textContent = text;
    return anchor;
  };

  const show = (row, items) => {
    const entry = document.createElement("li");
    entry.lang = row.language;
    const url = form.dataset.root + row.url;
    const facts = document.createElement("p");
    facts.className = "facts";
    facts.textContent = row.date;
    entry.append(link(url, row.title), facts);
    if (items.length) {
      const list = document.createElement("ul");
      list.className = "headlines";
      for (const item of items) {
        const line = document.createElement("li");
        line.append(link(url + "#" + encodeURIComponent(item.anchor), item.headline));
        list.append(line);
      }
      entry.append(list);
    }
    return entry;
  };

  const search = async () => {
    const terms = fold(query.value).split(/\s+/).filter(Boolean);
    const all = await load();
    const matches = (text) => terms.every((term) => text.includes(term));
    const hits = [];
    if (terms.length) {
      for (const row of all) {
        const items = row.items.filter((item) => matches(item.folded));
        const whole = [row.folded, ...row.items.map((item) => item.folded)].join("\n");
        if (items.length || matches(whole)) hits.push(show(row, items));
      }
    }
    results.replaceChildren(...hits);
    found.textContent = terms.length && !hits.length ? found.dataset.none : "";
    listing.hidden = terms.length > 0;
    history.replaceState(null, "", terms.length ? "?q=" + encodeURIComponent(query.value) : location.pathname);
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  query.addEventListener("input", search);
  const asked = new URLSearchParams(location.search).get("q");
  if (asked) {
    query.value = asked;
    search();
  }
}
